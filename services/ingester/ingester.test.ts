import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BlockStore,
  DatabaseError,
  migrate,
  openSqliteDatabase,
  SqlBlockStore,
} from '@xscaler/database';
import { SeriesMerger } from '@xscaler/tsdb';
import { Machine, TENANT } from './machine.testbed.ts';

test('a read sees every acknowledged write', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  for (let i = 0; i < 50; i++) {
    await machine.write('up', [[i, i]]);
    const { up } = await machine.read(ingester);
    assert.equal(up.length, i + 1);
  }
});

test('the log cuts heads, which become blocks; no sample is ever missing or doubled', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  const written: [number, number][] = [];
  for (let t = 0; t < 3_000; t += 50) {
    await machine.write('up', [[t, t]]);
    written.push([t, t]);
  }
  assert.deepEqual((await machine.read(ingester)).up, written);
  await machine.untilBlocks(3);
  assert.deepEqual((await machine.read(ingester)).up, written, 'heads and blocks both there');
  machine.nowMs += 10_000;
  await sleep(200);
  assert.deepEqual((await machine.read(ingester)).up, written, 'heads dropped');
  assert.ok((await machine.blocks.resumeOffset(0)) >= 60, 'the resume offset moved');
});

test('late samples open the next head of their window; the first value of a timestamp wins', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await machine.write('up', [
    [100, 1],
    [200, 1],
  ]);
  await machine.untilBlocks(1);
  await machine.write('up', [
    [150, 2],
    [200, 2],
  ]);
  const expected = [
    [100, 1],
    [150, 2],
    [200, 1],
  ];
  assert.deepEqual((await machine.read(ingester)).up, expected);
  await machine.untilBlocks(2);
  assert.deepEqual((await machine.read(ingester)).up, expected);
  await ingester.stop();
  const next = machine.ingester();
  await next.start();
  assert.deepEqual((await machine.read(next)).up, expected, 'after a restart');
});

test('another value for a timestamp is counted for its tenant, with an example series; the same value is not', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await machine.write('calm', [
    [100, 1],
    [100, 1],
  ]);
  await machine.read(ingester);
  const conflicts = async () => (await ingester.inspect()).flatMap((report) => report.conflicts);
  assert.deepEqual(await conflicts(), []);
  await machine.write('up', [
    [100, 1],
    [100, 2],
    [100, 3],
  ]);
  assert.deepEqual((await machine.read(ingester)).up, [[100, 1]]);
  const [conflict, ...more] = await conflicts();
  assert.deepEqual(more, []);
  assert.deepEqual([conflict.tenant, conflict.samples], [TENANT, 2]);
  assert.match(conflict.series, /__name__="up"/);
});

/** A block store that fails at a chosen call, before or after executing it. */
function failingAt(
  blocks: BlockStore,
  method: 'stage' | 'commit',
  when: 'before' | 'after',
  times: number,
): BlockStore {
  let left = times;
  return new Proxy(blocks, {
    get(target, name) {
      const original = Reflect.get(target, name);
      if (typeof original !== 'function') return original;
      if (name !== method) return original.bind(target);
      return async (...args: unknown[]) => {
        if (when === 'before' && left-- > 0) throw new Error(`${method} failed`);
        const result = await original.apply(target, args);
        if (when === 'after' && left-- > 0) throw new Error(`the answer of ${method} was lost`);
        return result;
      };
    },
  });
}

/** The store with some methods replaced. */
function replacing(blocks: BlockStore, others: Partial<BlockStore>): BlockStore {
  return new Proxy(blocks, {
    get(target, name) {
      const found = Reflect.get(others, name) ?? Reflect.get(target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

for (const method of ['stage', 'commit'] as const) {
  for (const when of ['before', 'after'] as const) {
    test(`a ${method} that fails ${when} it is done loses and doubles no sample`, async () => {
      await using machine = await Machine.make();
      const blocks = failingAt(machine.blocks, method, when, 2);
      const ingester = machine.ingester({ blocks });
      await ingester.start();
      const written: [number, number][] = [];
      for (let t = 0; t < 2_000; t += 100) {
        await machine.write('up', [[t, t]]);
        written.push([t, t]);
      }
      await machine.untilBlocks(2);
      assert.deepEqual((await machine.read(ingester)).up, written);
      await ingester.stop();
      const next = machine.ingester();
      await next.start();
      assert.deepEqual((await machine.read(next)).up, written);
      const blocksLive = await machine.blocks.list(TENANT, -1e12, 1e12);
      assert.equal(
        blocksLive.reduce((sum, meta) => sum + meta.sampleCount, 0),
        written.length,
        'every sample is in one block',
      );
    });
  }
}

test('an ingester that dies between cut and commit is continued by the next, with equal digests', async () => {
  await using machine = await Machine.make();
  const never = failingAt(machine.blocks, 'commit', 'before', Number.POSITIVE_INFINITY);
  const first = machine.ingester({ blocks: never });
  await first.start();
  const written: [number, number][] = [];
  for (let t = 0; t < 1_500; t += 100) {
    await machine.write('up', [[t, t]]);
    written.push([t, t]);
  }
  machine.nowMs += 3_600_000;
  const cutsFrom = await machine.endOffset();
  while ((await machine.endOffset()) < cutsFrom + 2) await sleep(25);
  await first.stop();

  const second = machine.ingester({ truncatesLog: false, committedHeadLingerMs: 1e9 });
  await second.start();
  await machine.untilBlocks(2);
  assert.deepEqual((await machine.read(second)).up, written);
  const digests = (await machine.blocks.ledger(0)).map(({ windowStartMs, digest }) => [
    windowStartMs,
    digest,
  ]);
  await second.stop();

  // Another replica replays the same log into a separate database.
  const other = openSqliteDatabase(join(machine.dir, 'other.sqlite'));
  await migrate(other);
  const replicaBlocks = new SqlBlockStore(other);
  const replica = machine.ingester({ truncatesLog: false, blocks: replicaBlocks });
  await replica.start();
  for (let tries = 0; tries < 200 && (await replicaBlocks.ledger(0)).length < 2; tries++) await sleep(25);
  const again = (await replicaBlocks.ledger(0)).map(({ windowStartMs, digest }) => [windowStartMs, digest]);
  assert.deepEqual(again, digests);
  await replica.stop();
  await other.close();
});

test('two zones hold the same, and each head becomes one block', async () => {
  await using machine = await Machine.make();
  const zones = ['a', 'b'].map((zone) => machine.ingester({ zone, truncatesLog: false }));
  for (const ingester of zones) await ingester.start();
  const written: [number, number][] = [];
  for (let t = 0; t < 3_000; t += 100) {
    await machine.write('up', [[t, t]]);
    written.push([t, t]);
  }
  for (const ingester of zones) assert.deepEqual((await machine.read(ingester)).up, written);
  await machine.untilBlocks(3);
  await sleep(300);
  for (const ingester of zones) assert.deepEqual((await machine.read(ingester)).up, written);
  const blocks = await machine.blocks.list(TENANT, -1e12, 1e12);
  assert.equal(
    blocks.reduce((sum, meta) => sum + meta.sampleCount, 0),
    written.length,
  );
  await zones[0].stop();
  await machine.write('up', [[5_000, 5]]);
  machine.nowMs += 3_600_000;
  await machine.untilBlocks(4);
  assert.deepEqual((await machine.read(zones[1])).up, [...written, [5_000, 5]]);
  await zones[1].stop();
});

test('a zone stores a head itself if the zone that cut it never does', async () => {
  await using machine = await Machine.make();
  const never = failingAt(machine.blocks, 'commit', 'before', Number.POSITIVE_INFINITY);
  const broken = machine.ingester({ zone: 'a', blocks: never });
  await broken.start();
  await machine.write('up', [[1, 1]]);
  machine.nowMs += 3_600_000;
  const before = await machine.endOffset();
  while ((await machine.endOffset()) === before) {
    machine.nowMs += 1_000;
    await sleep(25);
  }
  await broken.stop();
  const other = machine.ingester({ zone: 'b', otherZoneMs: 100 });
  await other.start();
  await machine.untilBlocks(1);
  assert.deepEqual((await machine.read(other)).up, [[1, 1]]);
});

test('a conflict with a commit that the database then loses is not a contradiction; a lasting conflict is', async () => {
  await using machine = await Machine.make();
  const blocks = new SqlBlockStore(machine.db);
  const commit = blocks.commit.bind(blocks);
  const conflicts = { left: 1 };
  blocks.commit = async (block) => {
    if (conflicts.left-- > 0) throw new DatabaseError('conflict', 'another replica has moved it');
    return commit(block);
  };
  const ingester = machine.ingester({ blocks });
  await ingester.start();
  await machine.write('a', [[0, 1]]);
  await machine.untilBlocks(1);
  assert.equal(ingester.status()[0].state, 'live');
  conflicts.left = Number.POSITIVE_INFINITY;
  await machine.write('a', [[machine.nowMs, 2]]);
  while (ingester.status()[0].state !== 'stopped') {
    machine.nowMs += 20_000;
    await sleep(25);
  }
});

test('a read without offsets to wait for still waits for the replay', async () => {
  await using machine = await Machine.make();
  for (let t = 0; t < 300; t++) await machine.write('up', [[t, t]]);
  const ingester = machine.ingester();
  const started = ingester.start();
  const read = { tenant: TENANT, matcherSets: [], startMs: 0, endMs: 1_000, minOffsets: {} };
  const merger = new SeriesMerger();
  for await (const frame of ingester.select(read, new AbortController().signal)) merger.addFrame(frame);
  assert.equal(merger.sampleCount, 300);
  await started;
});

test('a record that cannot be read stops the partition and fails its reads', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await machine.write('up', [[1, 1]]);
  await machine.log.append(0, new Uint8Array([1, 2, 3]));
  const offset = await machine.endOffset();
  const read = { tenant: TENANT, matcherSets: [], startMs: 0, endMs: 10, minOffsets: { 0: offset } };
  await assert.rejects(ingester.labelNames(read, AbortSignal.timeout(5_000)), /stopped/);
  assert.deepEqual(ingester.status(), { 0: { state: 'stopped', nextOffset: 1 } });
});

test('the status of a partition is shown while log and database are unreachable', async () => {
  await using machine = await Machine.make();
  let isAway = false;
  const blocks = new Proxy<BlockStore>(machine.blocks, {
    get(target, name) {
      const method = Reflect.get(target, name);
      if (isAway) return async () => Promise.reject(new DatabaseError('unavailable', 'away'));
      return typeof method === 'function' ? method.bind(target) : method;
    },
  });
  const ingester = machine.ingester({ blocks });
  await ingester.start();
  await machine.write('up', [[1, 1]]);
  await machine.read(ingester);
  isAway = true;
  const [report] = await ingester.inspect();
  assert.deepEqual(
    [report.state, report.lag, report.ledgerRows, report.heads.length],
    ['live', 0, undefined, 1],
  );
});

test('a record that an operator took out is skipped, and the partition continues', async () => {
  await using machine = await Machine.make();
  await machine.write('up', [[1, 1]]);
  await machine.log.append(0, new Uint8Array([1, 2, 3]));
  await machine.write('up', [[2, 2]]);
  const stopped = machine.ingester();
  await assert.rejects(stopped.start(), /stopped/);
  const [report] = await stopped.inspect();
  assert.deepEqual([report.state, report.nextOffset, report.lag], ['stopped', 1, 2]);
  await stopped.stop();
  await machine.blocks.skipRecord(0, 1);
  const next = machine.ingester();
  await next.start();
  assert.deepEqual((await machine.read(next)).up, [
    [1, 1],
    [2, 2],
  ]);
});

test('a log that ends below the resume offset is recognized as another one', async () => {
  await using machine = await Machine.make();
  await machine.blocks.commit({
    meta: undefined,
    partCount: 0,
    partition: 0,
    expectedResumeOffset: 0,
    resumeOffset: 7,
    metadata: [],
  });
  const ingester = machine.ingester();
  await assert.rejects(ingester.start(), /below the resume offset/);
});

test('a log that no longer holds the resume offset is an error, not a silent gap', async () => {
  await using machine = await Machine.make();
  for (let t = 0; t < 10; t++) await machine.write('up', [[t, t]]);
  await machine.log.truncate(0, 5);
  const ingester = machine.ingester();
  await assert.rejects(ingester.start(), /records are missing/);
});

test('a commit of another zone while an ingester starts is neither lost nor stored again', async () => {
  await using machine = await Machine.make();
  const first = machine.ingester({ zone: 'a', truncatesLog: false });
  await first.start();
  // The first window's samples lie around the second's: the block of the first spans the offset where a replay begins.
  for (const t of [0, 100, 200, 1_000, 300, 400]) await machine.write('up', [[t, t]]);
  let isAsked = false;
  const meanwhile = async <T>(answer: Promise<T>): Promise<T> => {
    const found = await answer;
    if (isAsked) return found;
    isAsked = true;
    machine.nowMs = 1_500;
    while ((await machine.blocks.resumeOffset(0)) === 0) await sleep(10);
    return found;
  };
  const blocks = replacing(machine.blocks, {
    ledger: (partition) => meanwhile(machine.blocks.ledger(partition)),
    resumeOffset: (partition) => meanwhile(machine.blocks.resumeOffset(partition)),
  });
  const second = machine.ingester({ zone: 'b', truncatesLog: false, blocks });
  await second.start();
  await machine.untilBlocks(2);
  await sleep(300);
  const stored = await machine.blocks.list(TENANT, -1e12, 1e12);
  assert.equal(
    stored.reduce((sum, meta) => sum + meta.sampleCount, 0),
    6,
  );
  assert.equal((await machine.read(second)).up.length, 6);
});

test('a running ingester adds a partition: the next read includes it, and nothing else changes', async () => {
  await using machine = await Machine.make();
  await machine.write('old', [[1, 1]]);
  await machine.write('new', [[1, 2]], 1);
  const ingester = machine.ingester();
  const { signal } = new AbortController();
  const names = (partitions: number[]) =>
    ingester.labelValues(
      {
        tenant: TENANT,
        matcherSets: [],
        startMs: 0,
        endMs: 10,
        minOffsets: {},
        partitions,
        name: '__name__',
      },
      signal,
    );
  const starting = ingester.start();
  await Promise.all([ingester.own([0, 1]), starting]);
  assert.deepEqual(Object.keys(ingester.status()), ['0', '1']);
  assert.deepEqual(await names([0]), ['old']);
  assert.deepEqual(await names([0, 1]), ['new', 'old']);
  await machine.write('newer', [[2, 3]], 1);
  await ingester.own([0, 1]);
  const read = {
    tenant: TENANT,
    matcherSets: [],
    startMs: 0,
    endMs: 10,
    minOffsets: { 1: 2 },
    partitions: [1],
  };
  assert.equal((await ingester.series(read, signal)).length, 2);
  await assert.rejects(names([1, 2]), /partition 2 is not owned here/);
});

test('an ingester that starts waits for an unreachable database', async () => {
  await using machine = await Machine.make();
  await machine.write('up', [[1, 1]]);
  let refusals = 2;
  const resumeOffset = async (partition: number) => {
    if (refusals-- > 0) throw new DatabaseError('unavailable', 'the connection failed');
    return machine.blocks.resumeOffset(partition);
  };
  const ingester = machine.ingester({ blocks: replacing(machine.blocks, { resumeOffset }) });
  await ingester.start();
  assert.deepEqual((await machine.read(ingester)).up, [[1, 1]]);
});
