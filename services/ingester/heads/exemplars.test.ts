import assert from 'node:assert/strict';
import test from 'node:test';
import { type Exemplar, exemplarKey, Labels } from '@xscaler/model';
import type { IngesterRead } from '@xscaler/rpc';
import type { Ingester } from '../index.ts';
import { Machine, TENANT, WINDOW_MS } from '../machine.testbed.ts';

const { signal } = new AbortController();
/** A hundred exemplars in each of three windows; the log has them in another order, and every tenth twice. */
const TRAIL: readonly Exemplar[] = Array.from({ length: 300 }, (_, i) => ({
  labels: Labels.of({ trace_id: `${i}` }),
  value: i,
  timestampMs: (i * WINDOW_MS) / 100,
}));

async function logTrail(machine: Machine): Promise<void> {
  for (let start = 0; start < 7; start++) {
    const some = TRAIL.filter((_, i) => i % 7 === start).reverse();
    await machine.write('m', [[start, 1]], 0, some);
    await machine.write(
      'm',
      [],
      0,
      some.filter(({ value }) => value % 10 === 0),
    );
  }
}

async function found(
  machine: Machine,
  ingester: Ingester,
  changes: Partial<IngesterRead> = {},
): Promise<string[]> {
  const read: IngesterRead = {
    tenant: TENANT,
    matcherSets: [],
    startMs: 0,
    endMs: 1e12,
    minOffsets: { 0: await machine.endOffset() },
    ...changes,
  };
  const answer = await ingester.exemplars(read, signal);
  const exemplars = answer.flatMap((one) => one.exemplars);
  // Each window's exemplars are ordered by time; the windows are unordered.
  return exemplars
    .sort((a, b) => a.timestampMs - b.timestampMs)
    .map((one) => exemplarKey({ ...one, labels: Labels.fromSorted(one.labels) }));
}

test('all exemplars are in the heads, ordered by time, also after a replay, and then in the blocks', async () => {
  await using machine = await Machine.make();
  const first = machine.ingester();
  await first.start();
  await logTrail(machine);
  const expected = TRAIL.map(exemplarKey);
  assert.deepEqual(await found(machine, first), expected);
  assert.deepEqual(await found(machine, first, { startMs: 50, endMs: 1_200 }), expected.slice(5, 121));
  await first.stop();

  const second = machine.ingester();
  await second.start();
  assert.deepEqual(await found(machine, second), expected, 'replayed');
  await machine.untilBlocks(3);
  const stored: Exemplar[] = [];
  for (const block of await machine.blocks.list(TENANT, 0, 1e12)) {
    for (const { exemplars } of await machine.reader(block).exemplars([], 0, 1e12, signal)) {
      stored.push(...exemplars);
    }
  }
  assert.deepEqual(stored.sort((a, b) => a.timestampMs - b.timestampMs).map(exemplarKey), expected);
});

test('a read of exemplars above its limit is refused and releases the heads', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await logTrail(machine);
  await assert.rejects(found(machine, ingester, { maxBytes: 10_000 }), { code: 'too_large' });
  assert.equal((await found(machine, ingester, { maxBytes: 100_000 })).length, 300);
  await machine.untilBlocks(3);
});
