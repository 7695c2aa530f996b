import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlockStore, CompactionStore } from '@xscaler/database';
import fc from 'fast-check';
import {
  DAY_MS,
  DAY_START_MS,
  HOUR_MS,
  Machine,
  type Samples,
  TENANT,
  WINDOW_MS,
} from './compactor.testbed.ts';

const at = (windows: number) => DAY_START_MS + windows * WINDOW_MS;

async function threeWindows(machine: Machine): Promise<void> {
  for (const window of [0, 1, 2]) {
    const fromMs = window * WINDOW_MS;
    const samples: Samples = [
      ['up', fromMs + 5, window],
      ['down', fromMs + 6, window],
      ['up', fromMs + 7, window],
    ];
    await machine.addHead(samples, { windowStartMs: at(window) });
  }
}

test('blocks of a day become one that says the same; reads that know the old ones go on', async () => {
  const machine = await Machine.make();
  await threeWindows(machine);
  const expected = await machine.read();
  const old = await machine.blocks.list(TENANT, 0, 1e15);
  await machine.compactor().runOnce();
  const [merged, ...others] = await machine.blocks.list(TENANT, 0, 1e15);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [merged.level, merged.windowStartMs, merged.windowMs, merged.fromOffset, merged.toOffset],
    [1, DAY_START_MS, DAY_MS, 0, 5],
  );
  assert.deepEqual([merged.sampleCount, merged.seriesCount, merged.minTimeMs], [9, 2, DAY_START_MS + 5]);
  assert.deepEqual(await machine.read(), expected);
  machine.nowMs += 10 * 60_000;
  await machine.compactor().runOnce();
  assert.deepEqual(await machine.readBlocks(old, []), expected, 'a read that began before');
  machine.nowMs += 1;
  await machine.compactor().runOnce();
  await assert.rejects(machine.readBlocks(old, []), { code: 'invalid' });
  assert.deepEqual(await machine.read(), expected);
  await machine.close();
});

test('the first value of a time stands, in a merge and against what comes later', async () => {
  const machine = await Machine.make();
  await machine.addHead([['up', 5, 1]]);
  await machine.addHead([
    ['up', 5, 2],
    ['up', 6, 2],
  ]);
  const again: Samples = [
    ['up', 5, 3],
    ['up', 6, 3],
    ['up', 7, 3],
  ];
  await machine.addHead(again, { partition: 1 });
  const up = [
    [5, 1],
    [6, 2],
    [7, 3],
  ];
  assert.deepEqual(await machine.read(), { up });
  await machine.compactor().runOnce();
  assert.equal((await machine.listed()).length, 2, 'one of each partition');
  assert.deepEqual(await machine.read(), { up });
  const late: Samples = [...again, ['up', 4, 4]];
  await machine.addHead(late);
  const more = [[4, 4], ...up];
  assert.deepEqual(await machine.read(), { up: more });
  await machine.addHead(late);
  await machine.compactor().runOnce();
  assert.equal((await machine.listed()).length, 2);
  assert.deepEqual(await machine.read(), { up: more });
  await machine.close();
});

test('what was deleted is gone from blocks in the end, and its receipt says so', async () => {
  const machine = await Machine.make();
  await threeWindows(machine);
  await machine.delete('d1', 'up', [0, WINDOW_MS + 5]);
  const expected = await machine.read();
  assert.deepEqual(expected.up, [
    [WINDOW_MS + 7, 1],
    [2 * WINDOW_MS + 5, 2],
    [2 * WINDOW_MS + 7, 2],
  ]);
  assert.equal((await machine.deletions.progress(TENANT, 'd1'))?.blocksLeft, 2);
  await machine.compactor().runOnce();
  assert.deepEqual(await machine.read(), expected);
  const [merged] = await machine.blocks.list(TENANT, 0, 1e15);
  assert.equal(merged.sampleCount, 6);
  await machine.compactor().runOnce();
  assert.equal((await machine.deletions.progress(TENANT, 'd1'))?.doneMs, machine.nowMs);
  machine.nowMs += 10 * 60_000 + 1;
  await machine.compactor().runOnce();
  assert.deepEqual(await machine.blocks.tombstones(TENANT, 0, 1e15), []);
  assert.deepEqual(await machine.read(), expected);
  const jobs = (await machine.store.counts()).jobs;
  assert.equal(jobs, 0, 'nothing is written again and again');
  await machine.close();
});

test('a day that goes on is written again for a deletion, and a block of which nothing is left goes', async () => {
  const machine = await Machine.make();
  machine.nowMs = DAY_START_MS + 5 * HOUR_MS;
  await machine.addHead([['up', 5, 1]]);
  await machine.compactor().runOnce();
  assert.deepEqual(await machine.listed(), ['head-0']);
  await machine.delete('d1', 'up');
  await machine.compactor().runOnce();
  assert.deepEqual(await machine.listed(), []);
  assert.deepEqual(await machine.read(), {});
  await machine.close();
});

test('blocks go when their tenant’s retention has passed; 0 keeps them', async () => {
  const machine = await Machine.make();
  for (const tenant of ['short', 'unknown', 'ever']) await machine.addHead([['up', 5, 1]], { tenant });
  machine.tenants = [
    { id: 'short', retentionMs: 4 * DAY_MS, deletedMs: undefined },
    { id: 'ever', retentionMs: 0, deletedMs: undefined },
  ];
  const left = async () => {
    await machine.compactor().runOnce();
    const tenants = ['short', 'unknown', 'ever'];
    const counts = await Promise.all(tenants.map(async (id) => (await machine.listed(id)).length));
    return tenants.filter((_, i) => counts[i] > 0);
  };
  machine.nowMs = DAY_START_MS + 4 * DAY_MS + 5;
  assert.deepEqual(await left(), ['short', 'unknown', 'ever']);
  machine.nowMs += 1;
  assert.deepEqual(await left(), ['unknown', 'ever']);
  machine.nowMs += 26 * DAY_MS;
  assert.deepEqual(await left(), ['ever']);
  await machine.close();
});

test('by a clock that is wrong nothing is past its retention, and nothing is merged', async () => {
  const machine = await Machine.make();
  for (let i = 0; i < 3; i++) await machine.addHead([['up', 5 + i, 1]]);
  machine.nowMs += 365 * DAY_MS;
  let clockFault: string | undefined = 'the clock is a year ahead';
  const compactor = machine.compactor({ clockFault: () => clockFault });
  await compactor.runOnce();
  assert.equal((await machine.listed()).length, 3);
  machine.nowMs -= 365 * DAY_MS;
  clockFault = undefined;
  await compactor.runOnce();
  assert.equal((await machine.listed()).length, 1);
  await machine.close();
});

test('a deleted tenant’s data goes after its grace period, also what comes late; another’s stays', async () => {
  const machine = await Machine.make();
  const compactor = machine.compactor();
  for (const tenant of ['gone', TENANT]) await machine.addHead([['up', 5, 1]], { tenant });
  machine.tenants = [{ id: 'gone', retentionMs: 0, deletedMs: machine.nowMs }];
  machine.nowMs += DAY_MS - 1;
  await compactor.runOnce();
  assert.equal((await machine.listed('gone')).length, 1);
  machine.nowMs += 1;
  await compactor.runOnce();
  assert.equal((await machine.listed('gone')).length, 0);
  await machine.addHead([['up', 6, 1]], { tenant: 'gone' });
  await compactor.runOnce();
  assert.equal((await machine.listed('gone')).length, 0);
  assert.equal((await machine.listed()).length, 1);
  machine.nowMs += 10 * 60_000 + 1;
  await compactor.runOnce();
  const [{ parts }] = await machine.db.query<{ parts: number }>(
    'SELECT COUNT(*) AS parts FROM block_parts WHERE block_id NOT IN (SELECT block_id FROM blocks)',
  );
  assert.equal(parts, 0);
  await machine.close();
});

test('a day with a damaged block waits, its good blocks stay readable, and other days go on', async () => {
  const machine = await Machine.make();
  await threeWindows(machine);
  for (const window of [12, 13]) {
    const samples: Samples = [['up', window * WINDOW_MS, 1]];
    await machine.addHead(samples, { windowStartMs: at(window) });
  }
  await machine.db.query("UPDATE block_parts SET bytes = $1 WHERE block_id = 'head-0' AND kind = 'chunks'", [
    new Uint8Array(40),
  ]);
  const compactor = machine.compactor();
  await compactor.runOnce();
  assert.deepEqual(await machine.listed(), ['head-0', 'head-1', 'head-2', 'merged-6']);
  const { failedJobs, stagedBlocks } = await machine.store.counts();
  assert.equal(failedJobs, 1);
  assert.match((await compactor.inspect()).lastFailure ?? '', /head-0.*chunks/);
  machine.nowMs += HOUR_MS + 1;
  await machine.compactor().runOnce();
  assert.ok(stagedBlocks <= 1);
  assert.equal((await machine.store.counts()).stagedBlocks, 0, 'what it left is swept');
  await machine.close();
});

test('a compactor that is stopped in the middle leaves the old blocks', async () => {
  const machine = await Machine.make();
  await threeWindows(machine);
  const expected = await machine.read();
  let stop: Promise<void> | undefined;
  const blocks: Pick<BlockStore, 'readPart' | 'sweepStaged'> = {
    sweepStaged: (beforeMs) => machine.blocks.sweepStaged(beforeMs),
    readPart: async (...part) => {
      stop ??= compactor.stop();
      return machine.blocks.readPart(...part);
    },
  };
  const compactor = machine.compactor({ blocks });
  compactor.start();
  while (stop === undefined) await sleep(5);
  await stop;
  assert.deepEqual(await machine.listed(), ['head-0', 'head-1', 'head-2']);
  machine.nowMs += 60_001;
  await machine.compactor().runOnce();
  assert.equal((await machine.listed()).length, 1);
  assert.deepEqual(await machine.read(), expected);
  await machine.close();
});

/** Calls that go wrong, counted over all methods: the nth fails before it is done, or its answer is lost. */
function dyingAt(
  store: CompactionStore,
  nth: number,
  when: 'before' | 'after',
  onDeath: () => void,
): CompactionStore {
  let left = nth;
  let isDead = false;
  return new Proxy(store, {
    get(target, name) {
      const found = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      return async (...args: unknown[]) => {
        // A process that was killed calls nothing any more.
        if (isDead) throw new Error('dead');
        const dies = left-- === 0;
        if (dies) {
          isDead = true;
          onDeath();
        }
        if (dies && when === 'before') throw new Error('died before');
        const result = await found.apply(target, args);
        if (dies) throw new Error('died after');
        return result;
      };
    },
  });
}

const oneHead = fc.record({
  partition: fc.nat({ max: 1 }),
  window: fc.nat({ max: 2 }),
  samples: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat({ max: 12 }), fc.nat({ max: 9 })), {
    minLength: 1,
    maxLength: 10,
  }),
  /** Afterwards a deletion of this series and times, or none. */
  deleted: fc.option(fc.tuple(fc.constantFrom('a', 'b'), fc.nat({ max: 40 }), fc.nat({ max: 40 }))),
});

test('killed at any call, compactors leave answers as before, and get the work done', async () => {
  const heads = fc.array(oneHead, { minLength: 2, maxLength: 8 });
  const when = fc.constantFrom('before' as const, 'after' as const);
  await fc.assert(
    fc.asyncProperty(heads, fc.nat({ max: 6 }), when, async (described, firstDeath, dies) => {
      const machine = await Machine.make();
      for (const [i, { partition, window, samples, deleted }] of described.entries()) {
        const shifted: Samples = samples.map(([name, time, value]) => [
          name,
          window * WINDOW_MS + time,
          value,
        ]);
        await machine.addHead(shifted, { partition, windowStartMs: at(window) });
        if (deleted !== null)
          await machine.delete(`d${i}`, deleted[0], [deleted[1], deleted[1] + deleted[2]]);
      }
      const expected = await machine.read();
      // Each one dies a few calls later than the one before: in the end at every one of them.
      for (let nth = firstDeath; nth < 60; nth += 7) {
        let died = false;
        const store = dyingAt(machine.store, nth, dies, () => {
          died = true;
        });
        await machine.compactor({ owner: `dying-${nth}`, store }).runOnce();
        assert.deepEqual(await machine.read(), expected, `after a death at call ${nth}`);
        machine.nowMs += 3_600_001; // its lease ends, and what it made others wait for
        if (!died) break;
      }
      await machine.compactor().runOnce();
      await machine.compactor().runOnce();
      assert.deepEqual(await machine.read(), expected);
      const perPartition = new Map<number, number>();
      for (const { partition } of await machine.blocks.list(TENANT, 0, 1e15))
        perPartition.set(partition, (perPartition.get(partition) ?? 0) + 1);
      assert.ok([...perPartition.values()].every((count) => count === 1));
      for (const [i, { deleted }] of described.entries()) {
        if (deleted === null) continue;
        assert.notEqual((await machine.deletions.progress(TENANT, `d${i}`))?.doneMs, undefined);
      }
      await machine.close();
    }),
    { numRuns: 25 },
  );
});

test('many compactors on one database merge each day once', async () => {
  const machine = await Machine.make();
  for (let day = 0; day < 4; day++) {
    for (const window of [0, 1]) {
      const samples: Samples = [['up', day * DAY_MS + window * WINDOW_MS, day]];
      await machine.addHead(samples, { windowStartMs: at(12 * day + window) });
    }
  }
  machine.nowMs += 10 * DAY_MS;
  const expected = await machine.read();
  await Promise.all(['a', 'b', 'c'].map((owner) => machine.compactor({ owner }).runOnce()));
  assert.equal((await machine.listed()).length, 4);
  assert.deepEqual(await machine.read(), expected);
  await machine.close();
});
