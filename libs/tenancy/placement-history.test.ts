import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PlacementHistory } from './placement-history.ts';
import { shardOf } from './shard.ts';

let changes = 0;

/** What was in use after an instant, or will be. */
function usedAfter(history: PlacementHistory, tenant: string, ms: number): number[] {
  return [...history.usedUntil(tenant)].filter(([, untilMs]) => untilMs > ms).map(([partition]) => partition);
}

function historyOf(
  counts: [count: number, effectiveMs: number][],
  sizes: [size: number, effectiveMs: number][],
) {
  const history = new PlacementHistory();
  for (const [partitionCount, effectiveMs] of counts)
    history.addCounts([{ change: ++changes, partitionCount, effectiveMs }]);
  for (const [size, effectiveMs] of sizes)
    history.addSizes([{ change: ++changes, tenant: 'acme', size, isFixed: true, effectiveMs }]);
  return history;
}

test('writers use what is in effect, the same object until that changes', () => {
  const history = historyOf(
    [
      [4, 0],
      [6, 100],
    ],
    [[2, 200]],
  );
  const first = history.shard('acme', 50);
  assert.deepEqual(first?.partitions, [0, 1, 2, 3]);
  assert.equal(history.shard('acme', 99), first);
  assert.equal(history.shard('other', 99), first, 'one for all without a size of their own');
  assert.deepEqual(history.shard('acme', 100)?.partitions, [0, 1, 2, 3, 4, 5]);
  const small = history.shard('acme', 200);
  assert.deepEqual(small?.partitions, shardOf('acme', 2, 6));
  assert.equal(history.shard('acme', 1_000), small);
  assert.deepEqual(history.shard('other', 1_000)?.partitions, [0, 1, 2, 3, 4, 5]);
});

test('before there is a count nobody writes', () => {
  assert.equal(new PlacementHistory().shard('acme', 1), undefined);
  assert.equal(historyOf([[4, 100]], []).shard('acme', 99), undefined);
});

test('of two counts in effect the one said last stands, whatever their clocks', () => {
  const history = historyOf(
    [
      [4, 0],
      [8, 100],
      [2, 90],
    ],
    [],
  );
  assert.deepEqual(history.shard('acme', 95)?.partitions, [0, 1]);
  assert.deepEqual(history.shard('acme', 100)?.partitions, [0, 1]);
});

test('readers ask what was in use since then, and what is announced', () => {
  const history = historyOf(
    [
      [4, 0],
      [6, 100],
      [3, 200],
    ],
    [],
  );
  const since = (ms: number) => usedAfter(history, 'acme', ms);
  assert.deepEqual(since(50), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(since(199), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(since(200), [0, 1, 2]);
  assert.deepEqual(usedAfter(historyOf([[4, 1_000]], []), 'acme', 1), [0, 1, 2, 3]);
});

test('a tenant’s readers ask its shards, each of them until it is over', () => {
  const history = historyOf(
    [[8, 0]],
    [
      [2, 100],
      [3, 200],
    ],
  );
  const all = shardOf('acme', 0, 8);
  assert.deepEqual(usedAfter(history, 'acme', 99), all);
  assert.deepEqual(usedAfter(history, 'acme', 100), shardOf('acme', 3, 8));
  assert.deepEqual(usedAfter(history, 'acme', 500), shardOf('acme', 3, 8));
  assert.deepEqual(usedAfter(history, 'other', 500), all);
});

test('whatever a writer uses at any time, however late it learns of changes, a reader asks for', () => {
  const rows = fc.array(
    fc.record({ isCount: fc.boolean(), number: fc.integer({ min: 1, max: 12 }), effectiveMs: fc.nat(400) }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(
      rows,
      fc.nat(500),
      fc.nat(100),
      fc.infiniteStream(fc.boolean()),
      (later, nowMs, lateMs, coins) => {
        const writer = new PlacementHistory();
        const reader = new PlacementHistory();
        const first = { isCount: true, number: 8, effectiveMs: 0 };
        for (const [change, { isCount, number, effectiveMs }] of [first, ...later].entries()) {
          // A row that is in effect for longer than the writer may be late is known to it; of others it may not know.
          const isKnown = change === 0 || effectiveMs <= nowMs - lateMs || coins.next().value === true;
          for (const history of isKnown ? [writer, reader] : [reader]) {
            if (isCount) history.addCounts([{ change, partitionCount: number, effectiveMs }]);
            else history.addSizes([{ change, tenant: 'acme', size: number % 5, isFixed: true, effectiveMs }]);
          }
        }
        const asked = usedAfter(reader, 'acme', nowMs - lateMs);
        const written = writer.shard('acme', nowMs)?.partitions ?? [];
        assert.ok(
          written.every((partition) => asked.includes(partition)),
          `${written} of ${asked}`,
        );
      },
    ),
    { numRuns: 2_000 },
  );
});
