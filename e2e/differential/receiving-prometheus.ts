import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Client,
  freePort,
  RunningProgram,
  snappyBody,
  type TimeSeries,
  type WriteRequest,
  writeRequestBytes,
} from '../harness/index.ts';

/** Samples of one write request at most: fewer than either server refuses. */
const MAX_SAMPLES = 2_000;

/** A real Prometheus that scrapes nothing and takes remote write. */
export class ReceivingPrometheus {
  readonly client: Client;
  readonly #program: RunningProgram;
  readonly #folder: string;

  private constructor(client: Client, program: RunningProgram, folder: string) {
    this.client = client;
    this.#program = program;
    this.#folder = folder;
  }

  /** @param flags further ones of its command line */
  static async start(flags: readonly string[] = []): Promise<ReceivingPrometheus> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'xscaler-receiving-prometheus-'));
    writeFileSync(join(folder, 'prometheus.yml'), 'scrape_configs: []\n');
    const program = new RunningProgram('prometheus', [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      ...flags,
    ]);
    const url = `http://127.0.0.1:${port}`;
    await program.untilReady(`${url}/-/ready`, 60_000);
    return new ReceivingPrometheus(new Client(url, 'prometheus', 'none'), program, folder);
  }

  write(request: WriteRequest): Promise<void> {
    return this.writeBody(snappyBody(writeRequestBytes(request)));
  }

  /** @param body of remote write 1.0, compressed */
  async writeBody(body: Uint8Array): Promise<void> {
    const headers: [string, string][] = [
      ['content-type', 'application/x-protobuf'],
      ['content-encoding', 'snappy'],
      ['x-prometheus-remote-write-version', '0.1.0'],
    ];
    const answer = await this.client.raw('/api/v1/write', { method: 'POST', headers, body });
    if (answer.status !== 204) throw new Error(`Prometheus refused a write: ${answer.status} ${answer.text}`);
  }

  async dispose(): Promise<void> {
    await this.#program.end('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Writes the same to both servers, in requests that are in the order of time: neither sees a sample come late. */
export async function writeToBoth(
  series: readonly TimeSeries[],
  prometheus: ReceivingPrometheus,
  xscaler: Client,
): Promise<void> {
  for (const slice of slicesOf(series)) {
    await prometheus.write({ series: slice });
    const answer = await xscaler.push(slice);
    if (answer.status !== 204) throw new Error(`xscaler refused a write: ${answer.status} ${answer.text}`);
  }
}

function slicesOf(series: readonly TimeSeries[]): TimeSeries[][] {
  const times = series
    .flatMap(({ samples }) => samples.map(([timeMs]) => Number(timeMs)))
    .sort((a, b) => a - b);
  const slices: TimeSeries[][] = [];
  for (let i = 0; i < times.length; ) {
    const last = times[Math.min(i + MAX_SAMPLES, times.length) - 1];
    let next = i;
    while (next < times.length && times[next] <= last) next++;
    const first = times[i];
    slices.push(
      series
        .map((each) => ({
          ...each,
          samples: each.samples.filter(([timeMs]) => Number(timeMs) >= first && Number(timeMs) <= last),
        }))
        .filter(({ samples }) => samples.length > 0),
    );
    i = next;
  }
  return slices;
}
