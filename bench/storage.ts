/**
 * What blocks take and what it takes to read them, each figure beside what it must be: runs the measurements that stand
 * beside the code, one after the other. Exit code 1 if one isn't as it must be.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { provide } from './receivers.ts';

interface Measurement {
  readonly title: string;
  readonly program: string;
  readonly env?: Readonly<Record<string, string>>;
}

const MEASUREMENTS: readonly Measurement[] = [
  {
    title: 'Chunks of a block decoded, million samples a second of one core',
    program: 'libs/tsdb/chunk/chunk-decode.bench.ts',
  },
  {
    title: 'A block of a million series read with nothing cached, KB: at most 200',
    program: 'libs/tsdb/block/block-cold-read.bench.ts',
  },
  {
    title:
      'A day of 5,000 series (14.4 million samples) in PostgreSQL, tables, TOAST and indexes, bytes a sample: at most 2.4. ' +
      'Of the same workload Prometheus 2.42 took 3.5 and VictoriaMetrics 1.79.5 2.64 when that was set',
    program: 'e2e/postgres/density.postgres.test.ts',
    env: { XSCALER_E2E_SERIES: '5000', XSCALER_REQUIRE_CLUSTER: '1' },
  },
];

provide(['postgresql']);
for (const { title, program, env } of MEASUREMENTS) {
  console.log(`\n${title}`);
  const { status } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, '..', program)],
    { stdio: 'inherit', env: { ...process.env, ...env } },
  );
  if (status !== 0) process.exitCode = 1;
}
