/**
 * From kill -9 to ready with hours of samples in the log and none of them in blocks: how long it takes, what memory it
 * takes beside what the same data took before, and whether every sample exists; and what the data took before, heads alone
 * and all of it. Fails if a figure is not what it must be.
 */
import { parseArgs } from 'node:util';
import { sleep, Xscaler } from '@xscaler/e2e/harness';
import { printFigures } from './figures.ts';
import { GcPauses } from './gc-pauses.ts';
import { cpuSeconds, residentBytes, settled } from './process-usage.ts';
import { IN_HEADS, receiverOf } from './receivers.ts';
import { Sender } from './sender.ts';
import { workloadBodies } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    series: { type: 'string', default: '100000' },
    steps: { type: 'string', default: '480' },
    'step-seconds': { type: 'string', default: '15' },
    connections: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
  },
});
const series = Number(flags.series);
const steps = Number(flags.steps);
const stepMs = Number(flags['step-seconds']) * 1_000;

const MOST_SECONDS = 30;
const MOST_STEADY_MB = 400;
const MOST_REPLAY_RATIO = 1.3;
const MOST_GC_SHARE = 0.05;
const SAMPLE_MEMORY_MS = 100;

/** The highest resident set until `work` is done, bytes. */
async function peakDuring(pidOf: () => number | undefined, work: Promise<unknown>): Promise<number> {
  let peak = 0;
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    const pid = pidOf();
    if (pid !== undefined) peak = Math.max(peak, residentBytes(pid));
    await sleep(SAMPLE_MEMORY_MS);
  }
  await done;
  return peak;
}

/** All samples that a query finds, heads being all that there is. */
async function samplesFound(xscaler: Xscaler): Promise<number> {
  const minutes = Math.ceil((steps * stepMs) / 60_000) + 60;
  let found = 0;
  // By a label of few values, so that no query is over its limits.
  const client = xscaler.client();
  // By metric: without their names, series of several would be one. The program's own samples are nobody's loss.
  const names = await client.data<string[]>('/api/v1/label/__name__/values', {});
  for (const name of names)
    found += (await client.value(`sum(count_over_time(${name}{job!="xscaler"}[${minutes}m]))`)) ?? 0;
  return found;
}

const gcPauses = new GcPauses();
const xscaler = await Xscaler.start({ env: { ...IN_HEADS, ...gcPauses.env } });
try {
  const bodies = workloadBodies({
    series,
    steps,
    stepMs,
    samplesPerRequest: 2_000,
    connections: Number(flags.connections),
    startMs: Date.now() - steps * stepMs,
    seed: Number(flags.seed),
  });
  const receiver = receiverOf(xscaler);
  const gcBefore = gcPauses.seconds();
  const cpuBefore = cpuSeconds(receiver.pid);
  await Promise.all(
    bodies.map(async (own) => {
      const sender = new Sender(receiver);
      for (const body of own) await sender.send(body);
      await sender.close();
    }),
  );
  await settled(receiver.pid, 60_000);
  const steady = residentBytes(receiver.pid);
  const heads = await xscaler.client().ownMetric('xscaler_ingester_head_bytes');
  const gcShare = (gcPauses.seconds() - gcBefore) / (cpuSeconds(receiver.pid) - cpuBefore);
  await xscaler.kill();
  const beganMs = performance.now();
  const peak = await peakDuring(() => xscaler.program.pid, xscaler.start());
  const seconds = (performance.now() - beganMs) / 1_000;
  const found = await samplesFound(xscaler);
  console.log(`\n${series} series, ${steps} steps of ${stepMs / 1_000} s in the log`);
  const isAsMustBe = printFigures([
    { name: 'memory of the heads alone, MB', measured: heads / 1e6 },
    { name: 'memory of the program, MB', measured: steady / 1e6, atMost: MOST_STEADY_MB },
    { name: 'garbage collector, of CPU', measured: gcShare, atMost: MOST_GC_SHARE },
    { name: 'kill -9 to ready, s', measured: seconds, atMost: MOST_SECONDS },
    { name: 'peak memory of the replay / before', measured: peak / steady, atMost: MOST_REPLAY_RATIO },
    { name: 'samples missing', measured: series * steps - found, atMost: 0 },
  ]);
  if (!isAsMustBe) process.exitCode = 1;
} finally {
  await xscaler.dispose();
  gcPauses.dispose();
}
