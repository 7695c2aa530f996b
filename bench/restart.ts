/**
 * From kill -9 to ready with hours of samples in the log and none of them in blocks: how long it takes, what memory it
 * takes beside what the same data took before, and whether every sample is there.
 */
import { parseArgs } from 'node:util';
import { sleep, Xscaler } from '@xscaler/e2e/harness';
import { residentBytes, settled } from './process-usage.ts';
import { IN_HEADS, receiverOf } from './receivers.ts';
import { Sender } from './sender.ts';
import { printTable } from './table.ts';
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

const xscaler = await Xscaler.start({ env: IN_HEADS });
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
  await Promise.all(
    bodies.map(async (own) => {
      const sender = new Sender(receiver);
      for (const body of own) await sender.send(body);
      await sender.close();
    }),
  );
  await settled(receiver.pid, 60_000);
  const steady = residentBytes(receiver.pid);
  await xscaler.kill();
  const beganMs = performance.now();
  const peak = await peakDuring(() => xscaler.program.pid, xscaler.start());
  const seconds = (performance.now() - beganMs) / 1_000;
  const found = await samplesFound(xscaler);
  console.log(`\n${series} series, ${steps} steps of ${stepMs / 1_000} s in the log`);
  printTable(
    ['', 'measured', 'at most'],
    [
      ['memory before, MB', steady / 1e6, MOST_STEADY_MB],
      ['kill -9 to ready, s', seconds, MOST_SECONDS],
      ['peak memory of the replay / before', peak / steady, MOST_REPLAY_RATIO],
      ['samples missing', series * steps - found, 0],
    ],
  );
} finally {
  await xscaler.dispose();
}
