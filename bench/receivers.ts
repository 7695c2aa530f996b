import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, RunningProgram, Xscaler } from '@xscaler/e2e/harness';

/** A program that takes remote write 1.0. */
export interface Receiver {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly dataDir: string;
  dispose(): Promise<void>;
}

export const RECEIVERS: Readonly<Record<string, () => Promise<Receiver>>> = {
  prometheus: startPrometheus,
  'victoria-metrics': startVictoriaMetrics,
  xscaler: () => startXscaler({}),
};

const READY_WITHIN_MS = 60_000;
/** A whole day's data comes back from the log. */
const REPLAYED_WITHIN_MS = 180_000;

/** Installs Debian's packages of the peers that are missing. @throws Error if that can't be done */
export function provide(names: readonly string[]): void {
  const script = join(import.meta.dirname, '../scripts/provision.ts');
  const { status } = spawnSync(process.execPath, [script, ...names], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('a peer is missing');
}

async function startPrometheus(): Promise<Receiver> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-prometheus-'));
  const config = `${dataDir}.yml`;
  writeFileSync(config, '');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = new RunningProgram('prometheus', [
    '--web.enable-remote-write-receiver',
    `--config.file=${config}`,
    `--storage.tsdb.path=${dataDir}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ]);
  await program.untilReady(`${url}/-/ready`, READY_WITHIN_MS);
  return { name: 'prometheus', pid: program.pid, url, path: '/api/v1/write', headers: [], dataDir, dispose };

  async function dispose(): Promise<void> {
    await program.end('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
    rmSync(config);
  }
}

async function startVictoriaMetrics(): Promise<Receiver> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bench-victoria-metrics-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const program = new RunningProgram('victoria-metrics', [
    `-storageDataPath=${dataDir}`,
    `-httpListenAddr=127.0.0.1:${port}`,
    '-retentionPeriod=100y',
  ]);
  await program.untilReady(`${url}/health`, READY_WITHIN_MS);
  return {
    name: 'victoria-metrics',
    pid: program.pid,
    url,
    path: '/api/v1/write',
    headers: [],
    dataDir,
    dispose,
  };

  async function dispose(): Promise<void> {
    await program.end('SIGKILL');
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** With a window that takes the longest workload, a day of it. */
export async function startXscaler(env: Readonly<Record<string, string>>): Promise<Receiver> {
  return receiverOf(await Xscaler.start({ env: { XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: '30h', ...env } }));
}

/** An xscaler that keeps everything in heads until it is started again, when all of it goes into blocks. */
export interface RestartableXscaler {
  readonly receiver: Receiver;
  /** Kills it; the next start replays its log and closes every window that is over. @returns the new process' id */
  startAgain(): Promise<number>;
}

/** Settings that keep a day of samples in heads. */
export const IN_HEADS = {
  XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: '48h',
  XSCALER_INGESTER_LATE_HEAD_AGE: '20h',
  XSCALER_INGESTER_LATE_HEAD_BYTES: String(1024 ** 3),
  XSCALER_SELF_METRICS_ENABLED: 'false',
};
const INTO_BLOCKS = {
  XSCALER_INGESTER_LATE_HEAD_AGE: '1s',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '1s',
  XSCALER_COMPACTOR_INTERVAL: '5s',
  XSCALER_COMPACTOR_SETTLE: '0s',
  XSCALER_COMPACTOR_FRESH_BLOCKS: '2',
};

export async function startRestartableXscaler(): Promise<RestartableXscaler> {
  const xscaler = await Xscaler.start({ env: IN_HEADS });
  let again: RunningProgram | undefined;
  const receiver: Receiver = {
    ...receiverOf(xscaler),
    dispose: async () => {
      await again?.end('SIGKILL');
      await xscaler.dispose();
    },
  };
  const startAgain = async () => {
    await xscaler.kill();
    again = xscaler.spawn(INTO_BLOCKS);
    await again.untilReady(`${xscaler.url}/-/ready`, REPLAYED_WITHIN_MS);
    return again.pid;
  };
  return { receiver, startAgain };
}

export function receiverOf(xscaler: Xscaler): Receiver {
  return {
    name: 'xscaler',
    pid: xscaler.program.pid,
    url: xscaler.url,
    path: '/api/v1/push',
    headers: xscaler.client().credentials,
    dataDir: xscaler.dataDir,
    dispose: () => xscaler.dispose(),
  };
}
