import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, RunningProgram } from './child-process.ts';
import { Client } from './client.ts';
import { HeaderRelay } from './header-relay.ts';

const READY_WITHIN_MS = 60_000;

export interface PrometheusOptions {
  /** Targets by job name: `host:port`. Its own metrics are job `prometheus`. */
  readonly targets: Readonly<Record<string, string>>;
  readonly scrapeIntervalMs: number;
  /** The `remote_write` section of its configuration, YAML from the key on. */
  readonly remoteWrite: string;
  /** What `--enable-feature` names. */
  readonly features?: readonly string[];
}

/** A real Prometheus with data of its own. */
export class Prometheus {
  readonly port: number;
  readonly program: RunningProgram;
  readonly #folder: string;
  readonly #relay: HeaderRelay;

  private constructor(port: number, folder: string, relay: HeaderRelay, features: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#relay = relay;
    this.program = new RunningProgram('prometheus', [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
      ...features.map((feature) => `--enable-feature=${feature}`),
    ]);
  }

  static async start(options: PrometheusOptions): Promise<Prometheus> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'xscaler-prometheus-'));
    const relay = await HeaderRelay.start(options.remoteWrite);
    writeFileSync(join(folder, 'prometheus.yml'), configuration(port, options, relay.section));
    const prometheus = new Prometheus(port, folder, relay, options.features ?? []);
    await prometheus.program.untilReady(`${prometheus.url}/-/ready`, READY_WITHIN_MS);
    return prometheus;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The same client that asks xscaler; Prometheus ignores the two headers. */
  client(): Client {
    return new Client(this.url, 'prometheus', 'none');
  }

  async dispose(): Promise<void> {
    await this.program.end('SIGKILL');
    this.#relay.dispose();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** A `remote_write` section for a tenant of ours. */
export function remoteWriteSection(url: string, tenant: string, token: string): string {
  return `remote_write:
  - url: ${url}/api/v1/push
    headers:
      X-Scope-OrgID: ${tenant}
    authorization:
      credentials: ${token}
    metadata_config:
      send_interval: 5s
    queue_config:
      batch_send_deadline: 1s
`;
}

function configuration(
  port: number,
  { targets, scrapeIntervalMs }: PrometheusOptions,
  remoteWrite: string,
): string {
  const jobs = Object.entries({ prometheus: `127.0.0.1:${port}`, ...targets }).map(
    ([job, target]) => `  - job_name: ${job}\n    static_configs:\n      - targets: ['${target}']\n`,
  );
  const global = `global:\n  scrape_interval: ${scrapeIntervalMs}ms\n  scrape_timeout: ${scrapeIntervalMs}ms\n`;
  return `${global}scrape_configs:\n${jobs.join('')}${remoteWrite}`;
}

/** A real node_exporter of this machine. */
export async function startNodeExporter(): Promise<{ target: string; program: RunningProgram }> {
  const target = `127.0.0.1:${await freePort()}`;
  const program = new RunningProgram('prometheus-node-exporter', [`--web.listen-address=${target}`]);
  await program.untilReady(`http://${target}/metrics`, READY_WITHIN_MS);
  return { target, program };
}
