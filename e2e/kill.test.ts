import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually, Random, sleep, Xscaler } from './harness/index.ts';
import { LoadWriter } from './harness/write-load.ts';

const KILLS = 10;
const LONGEST_RUN_MS = 3_000;

/** Heads of two seconds that are cut, committed and dropped while the load is on. */
const SHORT_WINDOWS = {
  XSCALER_INGESTER_HEAD_WINDOW: '2s',
  XSCALER_INGESTER_CUT_GRACE: '500ms',
  XSCALER_INGESTER_LATE_HEAD_AGE: '700ms',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '500ms',
  XSCALER_WRITE_LOG_PARTITIONS: '2',
  XSCALER_SELF_METRICS_INTERVAL: '1h',
};

let xscaler: Xscaler;
let writers: LoadWriter[];

before(async () => {
  xscaler = await Xscaler.start({ env: SHORT_WINDOWS });
  const nowMs = Date.now();
  // Two writers near the present, whose windows the clock closes; two far back, whose heads are late ones.
  writers = [0, 1, 80, 100].map((minutesAgo, i) => new LoadWriter(`w${i}`, nowMs - minutesAgo * 60_000));
});

after(() => xscaler?.dispose());

async function assertAllStored(settled: boolean, when: string): Promise<void> {
  const client = xscaler.client();
  const faults = await Promise.all(writers.map((writer) => writer.faults(client, settled)));
  assert.deepEqual(faults.flat().slice(0, 10), [], when);
}

test('after kill -9 at any moment every acknowledged sample is there exactly once', async () => {
  const random = Random.seeded();
  let commits = 0;
  for (let kill = 1; kill <= KILLS; kill++) {
    for (const writer of writers) writer.run(xscaler.client());
    await sleep(random.between(100, LONGEST_RUN_MS));
    commits += await xscaler.client().ownMetric('xscaler_ingester_head_commit_seconds_count');
    await sleep(random.between(0, 50));
    await xscaler.kill();
    await Promise.all(writers.map((writer) => writer.stop()));
    await xscaler.start();
    await assertAllStored(false, `after kill ${kill}`);
  }
  const acknowledged = writers.map((writer) => writer.acknowledged);
  console.log(`samples acknowledged, of each series: ${acknowledged}; heads committed: ${commits}`);
  assert.ok(commits > 0, 'no block was committed between the kills');
  assert.ok(acknowledged.every((samples) => samples > 0));

  for (const writer of writers) writer.run(xscaler.client());
  await sleep(500);
  await Promise.all(writers.map((writer) => writer.stop()));
  await assertAllStored(true, 'after the last start');

  // Nothing is written any more, so the last head is cut, committed and dropped.
  await eventually('every sample is in a block', 60_000, async () =>
    (await xscaler.client().ownMetric('xscaler_ingester_heads')) === 0 ? true : undefined,
  );
  await assertAllStored(true, 'from blocks');
  await xscaler.stop();
  await xscaler.start();
  await assertAllStored(true, 'after an orderly stop');
});
