import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BlockStore, SqlBlockStore, SqlDeletionStore } from '@xscaler/database';
import { type Deletion, encodeDeletion, type WrittenMatcher } from '@xscaler/wire/log-record';
import fc from 'fast-check';
import type { Ingester } from './index.ts';
import { Machine, TENANT, WINDOW_MS } from './machine.testbed.ts';

const { signal } = new AbortController();
const EVER = [-1e12, 1e12] as const;

const named = (value: string): WrittenMatcher => ({ type: '=', name: '__name__', value });

let deletions = 0;

/** Logs a deletion without hiding it, like a distributor that dies right after. */
async function logDeletion(
  machine: Machine,
  name: string,
  [startMs, endMs]: readonly [number, number] = EVER,
): Promise<{ deletion: Deletion; logOffset: number }> {
  const deletionId = `deletion-${++deletions}`;
  const deletion = {
    tenant: TENANT,
    deletionId,
    requestedMs: 0,
    startMs,
    endMs,
    matcherSets: [[named(name)]],
  };
  return { deletion, logOffset: await machine.log.append(0, encodeDeletion(deletion)) };
}

/** Logs and hides, as a distributor does before it answers. */
async function acknowledgeDeletion(
  machine: Machine,
  name: string,
  range: readonly [number, number],
): Promise<void> {
  const { deletion, logOffset } = await logDeletion(machine, name, range);
  await new SqlDeletionStore(machine.db).hide(deletion, new Map([[0, logOffset]]));
}

async function namesOf(machine: Machine, ingester: Ingester): Promise<string[]> {
  const minOffsets = { 0: await machine.endOffset() };
  const read = { tenant: TENANT, startMs: -1e12, endMs: 1e12, matcherSets: [], minOffsets };
  const values = await ingester.labelValues({ ...read, name: '__name__' }, signal);
  const series = (await ingester.series(read, signal)).map((pairs) => pairs[1]).sort();
  assert.deepEqual(series, values);
  assert.deepEqual(await ingester.labelNames(read, signal), values.length > 0 ? ['__name__'] : []);
  return values;
}

async function eventually(check: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    if (await check()) return;
    await sleep(25);
  }
  assert.fail(what);
}

test('a deletion hides earlier samples and no later ones', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  for (const name of ['up', 'down']) {
    await machine.write(name, [
      [100, 1],
      [200, 1],
      [300, 1],
    ]);
  }
  await logDeletion(machine, 'up', [150, 250]);
  const down = [
    [100, 1],
    [200, 1],
    [300, 1],
  ];
  assert.deepEqual(await machine.read(ingester), {
    up: [
      [100, 1],
      [300, 1],
    ],
    down,
  });
  await machine.write('up', [
    [200, 2],
    [300, 2],
  ]);
  const up = [
    [100, 1],
    [200, 2],
    [300, 1],
  ];
  assert.deepEqual(await machine.read(ingester), { up, down }, 'what was deleted may be written anew');
  await machine.untilBlocks(2);
  assert.deepEqual(await machine.read(ingester), { up, down });
  await ingester.stop();
  const next = machine.ingester();
  await next.start();
  assert.deepEqual(await machine.read(next), { up, down }, 'after a restart');
});

test('a deleted series is gone from labels and series too', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await machine.write('up', [[100, 1]]);
  await machine.write('down', [[100, 1]]);
  assert.deepEqual(await namesOf(machine, ingester), ['down', 'up']);
  await logDeletion(machine, 'up');
  assert.deepEqual(await namesOf(machine, ingester), ['down']);
  await machine.write('up', [[120, 1]]);
  assert.deepEqual(await namesOf(machine, ingester), ['down', 'up']);
});

test('a head without any of the deleted series stays open', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await machine.write('up', [[100, 1]]);
  await logDeletion(machine, 'absent');
  await logDeletion(machine, 'up', [WINDOW_MS, 2 * WINDOW_MS]);
  await machine.read(ingester);
  const [{ heads }] = await ingester.inspect();
  assert.deepEqual(
    heads.map((head) => (head as { state: string }).state),
    ['open'],
  );
});

/** A store whose commits wait until they are released or made to fail. */
function holdingCommits(blocks: BlockStore, before: () => Promise<void>): BlockStore {
  return new Proxy(blocks, {
    get(target, name) {
      const found = Reflect.get(target, name);
      if (typeof found !== 'function') return found;
      if (name !== 'commit') return found.bind(target);
      return async (...args: unknown[]) => {
        await before();
        return found.apply(target, args);
      };
    },
  });
}

test('a deletion between the close of a head and its commit hides the head and then its block', async () => {
  await using machine = await Machine.make();
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const ingester = machine.ingester({ blocks: holdingCommits(machine.blocks, () => released) });
  await ingester.start();
  await machine.write('up', [[100, 1]]);
  await machine.write('down', [[100, 1]]);
  machine.nowMs += 3_600_000;
  await eventually(async () => {
    const [{ heads }] = await ingester.inspect();
    return heads.every((head) => (head as { state: string }).state === 'closed');
  }, 'the head was not closed');
  await logDeletion(machine, 'up');
  const found = await machine.read(ingester);
  release();
  assert.deepEqual(found, { down: [[100, 1]] });
  await machine.untilBlocks(1);
  assert.deepEqual(await machine.read(ingester), { down: [[100, 1]] });
});

test('the resume offset moves over a deletion only together with its tombstone', async () => {
  await using machine = await Machine.make();
  let fails = true;
  const blocks = holdingCommits(machine.blocks, async () => {
    if (fails) throw new Error('away');
  });
  const ingester = machine.ingester({ blocks });
  await ingester.start();
  await machine.write('up', [[100, 1]]);
  await logDeletion(machine, 'up');
  await machine.read(ingester);
  assert.deepEqual(await machine.blocks.tombstones(TENANT, ...EVER), []);
  assert.equal(await machine.blocks.resumeOffset(0), 0);
  fails = false;
  await eventually(
    async () => (await machine.blocks.resumeOffset(0)) === 2,
    'the head that the deletion closed was not committed',
  );
  const [tombstone] = await machine.blocks.tombstones(TENANT, ...EVER);
  assert.equal(tombstone.logOffset, 1);
});

test('a deletion of series that no head has is stored without waiting for a head', async () => {
  await using machine = await Machine.make();
  const ingester = machine.ingester();
  await ingester.start();
  await machine.write('up', [[100, 1]]);
  await logDeletion(machine, 'down');
  await eventually(
    async () => (await machine.blocks.tombstones(TENANT, ...EVER)).length === 1,
    'the deletion was not stored',
  );
  assert.equal(await machine.blocks.resumeOffset(0), 0, 'the open head is still to be replayed');
});

test('a deletion that the database loses right after it was found stored is stored again', async () => {
  await using machine = await Machine.make();
  const blocks = new SqlBlockStore(machine.db);
  const commit = blocks.commit.bind(blocks);
  let lost = 2;
  blocks.commit = async (block) => (lost-- > 0 ? 'already' : commit(block));
  const ingester = machine.ingester({ blocks });
  await ingester.start();
  await machine.write('up', [[100, 1]]);
  await machine.write('down', [[100, 1]]);
  await logDeletion(machine, 'up');
  await machine.untilBlocks(1);
  await eventually(
    async () => (await machine.blocks.tombstones(TENANT, ...EVER)).length === 1,
    'the deletion was not stored',
  );
  assert.deepEqual(await machine.read(ingester), { down: [[100, 1]] });
});

/** How far the open heads have come: closed and perhaps being stored, stored in blocks, or dropped. */
type Stage = 'closed' | 'committed' | 'dropped';

/** Lets the policy cut every window, and waits until all heads are at least at that stage. */
async function untilHeads(machine: Machine, ingester: Ingester, stage: Stage): Promise<void> {
  // A head opened after the clock moved is too young to be cut.
  await machine.read(ingester);
  machine.nowMs += 3_600_000;
  await eventually(async () => {
    // Committed heads linger by this clock.
    if (stage === 'dropped') machine.nowMs += 1_000;
    const [{ heads }] = await ingester.inspect();
    const states = heads.map((head) => (head as { state: string }).state);
    if (stage === 'dropped') return states.length === 0;
    return states.every((state) => state === 'committed' || state === stage);
  }, `heads were not ${stage}`);
}

type Step =
  | { readonly kind: 'write'; readonly name: string; readonly timestampMs: number; readonly value: number }
  | { readonly kind: 'delete'; readonly name: string; readonly startMs: number; readonly endMs: number }
  | { readonly kind: 'cut'; readonly stage: Stage }
  | { readonly kind: 'restart' };

const time = fc.integer({ min: 0, max: 40 }).map((n) => n * 50);
const name = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      name,
      timestampMs: time,
      value: fc.nat({ max: 9 }),
    }),
  },
  {
    weight: 2,
    // A range that ends before it starts is empty.
    arbitrary: fc.record({ kind: fc.constant('delete' as const), name, startMs: time, endMs: time }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('cut' as const),
      stage: fc.constantFrom<Stage>('closed', 'committed', 'dropped'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** The expected samples: for each series and timestamp, the first value since its last deletion. */
class Model {
  readonly #series = new Map<string, Map<number, number>>();

  write({ name, timestampMs, value }: Extract<Step, { kind: 'write' }>): void {
    const samples = this.#series.get(name) ?? new Map<number, number>();
    this.#series.set(name, samples);
    if (!samples.has(timestampMs)) samples.set(timestampMs, value);
  }

  delete({ name, startMs, endMs }: Extract<Step, { kind: 'delete' }>): void {
    const samples = this.#series.get(name);
    for (const at of [...(samples?.keys() ?? [])]) if (at >= startMs && at <= endMs) samples?.delete(at);
  }

  read(): Record<string, [number, number][]> {
    const left = [...this.#series].filter(([, samples]) => samples.size > 0);
    return Object.fromEntries(
      left.map(([series, samples]) => [series, [...samples].sort(([a], [b]) => a - b)]),
    );
  }
}

/** Takes the steps, then compares what this zone shows with a zone that replays the log. */
async function checkSteps(steps: readonly Step[]): Promise<void> {
  await using machine = await Machine.make();
  let ingester = machine.ingester();
  await ingester.start();
  const model = new Model();
  for (const one of steps) {
    if (one.kind === 'write') {
      model.write(one);
      await machine.write(one.name, [[one.timestampMs, one.value]]);
    } else if (one.kind === 'delete') {
      model.delete(one);
      await acknowledgeDeletion(machine, one.name, [one.startMs, one.endMs]);
    } else if (one.kind === 'cut') {
      await untilHeads(machine, ingester, one.stage);
    } else {
      await ingester.stop();
      ingester = machine.ingester();
      await ingester.start();
    }
  }
  const expected = model.read();
  assert.deepEqual(await machine.read(ingester), expected, 'in the end');
  await ingester.stop();
  const other = machine.ingester({ zone: 'b' });
  await other.start();
  assert.deepEqual(await machine.read(other), expected, 'replayed in another zone');
}

test('after any writes, deletions, commits and replays, each zone shows exactly the log’s samples', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), checkSteps), {
    numRuns: 25,
  });
});

for (const stage of ['closed', 'committed', 'dropped'] as const) {
  test(`a deletion of an empty range uncovers no deleted samples: heads ${stage}`, () =>
    checkSteps([
      { kind: 'write', name: 'a', timestampMs: 1_200, value: 1 },
      { kind: 'write', name: 'a', timestampMs: 1_850, value: 2 },
      { kind: 'cut', stage },
      { kind: 'delete', name: 'a', startMs: 450, endMs: 1_700 },
      { kind: 'delete', name: 'a', startMs: 1_750, endMs: 1_050 },
    ]));
}
