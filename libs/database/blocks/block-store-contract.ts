import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricMetadata } from '@xscaler/model';
import { rejectsWith } from '../sql/database-contract.ts';
import type { BlockCommit, BlockMeta, BlockStore, LedgerRow } from './block-store.ts';
import { NO_COMMIT } from './commit-history.ts';

/** A store under test on an empty, migrated database. */
export interface BlockStoreUnderTest {
  readonly store: BlockStore;
  /** The wall clock the store was given, ms. */
  setTimeMs(nowMs: number): void;
  dispose(): Promise<void>;
}

const HOUR_MS = 3_600_000;

export function metaOf(changes: Partial<BlockMeta> = {}): BlockMeta {
  return {
    blockId: 'block-1',
    tenant: 'team',
    partition: 3,
    level: 0,
    windowStartMs: 10 * HOUR_MS,
    windowMs: 2 * HOUR_MS,
    seq: 0,
    fromOffset: 100,
    toOffset: 199,
    minTimeMs: 10 * HOUR_MS,
    maxTimeMs: 12 * HOUR_MS - 1,
    seriesCount: 500,
    sampleCount: 60_000,
    digest: 'd1',
    ...changes,
  };
}

export function commitOf(meta: BlockMeta | undefined, changes: Partial<BlockCommit> = {}): BlockCommit {
  return {
    meta,
    partCount: 3,
    partition: 3,
    expectedResumeOffset: 0,
    resumeOffset: 200,
    metadata: [],
    ...changes,
  };
}

const BYTES = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) >>> 3);

/** Stages the three parts that `commitOf` tells of. */
export async function stage(store: BlockStore, meta: BlockMeta): Promise<void> {
  await store.stage(meta.blockId, meta.tenant, [
    { kind: 'index', number: 0, bytes: BYTES.subarray(0, 1000) },
    { kind: 'chunks', number: 0, bytes: BYTES },
    { kind: 'chunks', number: 1, bytes: BYTES.subarray(5) },
  ]);
}

type Check = (title: string, run: (subject: BlockStoreUnderTest) => Promise<void>) => void;

/** What every `BlockStore` promises, as tests. `open` makes an empty one. */
export function blockStoreContract(name: string, open: () => Promise<BlockStoreUnderTest>): void {
  const check: Check = (title, run) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  committing(check);
  conflicts(check);
  reading(check);
  sweeping(check);
}

function committing(check: Check): void {
  check('a staged block is listed only once it is committed', async ({ store }) => {
    const meta = metaOf();
    await stage(store, meta);
    assert.deepEqual(await store.list('team', 0, 100 * HOUR_MS), []);
    assert.equal(await store.resumeOffset(3), 0);
    assert.equal(await store.commit(commitOf(meta)), 'committed');
    assert.deepEqual(await store.list('team', 0, 100 * HOUR_MS), [meta]);
    assert.equal(await store.resumeOffset(3), 200);
    const { tenant, partition, windowStartMs, windowMs, seq, fromOffset, toOffset, sampleCount, digest } =
      meta;
    const row: LedgerRow = {
      tenant,
      partition,
      windowStartMs,
      windowMs,
      seq,
      fromOffset,
      toOffset,
      sampleCount,
      digest,
    };
    assert.deepEqual(await store.ledger(3), [row]);
    assert.deepEqual(await store.ledger(3, toOffset), [row]);
    assert.deepEqual(await store.ledger(3, toOffset + 1), []);
    assert.deepEqual(await store.ledger(4), []);
  });

  check('a second commit of the same head changes nothing', async ({ store }) => {
    const meta = metaOf();
    await stage(store, meta);
    await store.commit(commitOf(meta));
    await stage(store, meta);
    assert.equal(await store.commit(commitOf(meta)), 'already');
    const replica = metaOf({ blockId: 'block-of-another-zone' });
    await stage(store, replica);
    assert.equal(await store.commit(commitOf(replica)), 'already');
    assert.deepEqual(await store.list('team', 0, 100 * HOUR_MS), [meta]);
    assert.equal((await store.ledger(3)).length, 1);
    assert.equal(await store.resumeOffset(3), 200);
  });

  check('a record that was taken out is known from then on', async ({ store }) => {
    assert.deepEqual(await store.skippedRecords(3), []);
    for (const offset of [7, 5, 7]) await store.skipRecord(3, offset);
    await store.skipRecord(4, 1);
    assert.deepEqual(await store.skippedRecords(3), [5, 7]);
  });

  check('a block whose staged parts were swept never goes live', async ({ store }) => {
    const meta = metaOf();
    await stage(store, meta);
    assert.ok((await store.sweepStaged(Number.MAX_SAFE_INTEGER)) > 0);
    await store.stage(meta.blockId, meta.tenant, [{ kind: 'chunks', number: 1, bytes: BYTES.subarray(5) }]);
    await rejectsWith(store.commit(commitOf(meta)), 'invalid');
    assert.deepEqual(await store.list('team', 0, 100 * HOUR_MS), []);
    assert.deepEqual(await store.ledger(3), []);
    await stage(store, meta);
    assert.equal(await store.commit(commitOf(meta)), 'committed');
  });

  check('a commit that was there already moves the resume offset forwards only', async ({ store }) => {
    const meta = metaOf();
    await stage(store, meta);
    await store.commit(commitOf(meta));
    await store.commit(commitOf(meta, { resumeOffset: 150 }));
    assert.equal(await store.resumeOffset(3), 200);
    await store.commit(commitOf(meta, { resumeOffset: 260 }));
    assert.equal(await store.resumeOffset(3), 260);
  });

  check(
    'an instant counts as committed once the resume offset has got to where the log ended then',
    async ({ store }) => {
      const known = async () => Object.fromEntries(await store.committedUntil());
      assert.deepEqual(await known(), {});
      await store.noteCommitted(0, 0, 900);
      assert.deepEqual(await known(), { 0: 900 }, 'a log without a record');
      await store.noteCommitted(1, 50, 1_000);
      assert.deepEqual(await known(), { 0: 900 });
      await store.commit(commitOf(undefined, { partition: 1, resumeOffset: 50 }));
      await store.noteCommitted(1, 51, 1_200);
      assert.deepEqual(await known(), { 0: 900 });
      await store.noteCommitted(1, 50, 1_000);
      assert.deepEqual(await known(), { 0: 900, 1: 1_000 });
      await store.noteCommitted(1, 10, 800);
      assert.deepEqual(await known(), { 0: 900, 1: 1_000 }, 'an older instant changes nothing');
      assert.equal(await store.resumeOffset(1), 50);
    },
  );

  check('a note from the future is not believed, and gives way to a right one', async (subject) => {
    const { store, setTimeMs } = subject;
    const known = async () => Object.fromEntries(await store.committedUntil());
    const rightMs = 100 * HOUR_MS;
    const wrongMs = rightMs + 3 * HOUR_MS;
    setTimeMs(wrongMs);
    for (const partition of [0, 1]) await store.noteCommitted(partition, 0, wrongMs);
    assert.deepEqual(await known(), { 0: wrongMs, 1: wrongMs }, 'by the clock that noted it');
    setTimeMs(rightMs);
    assert.deepEqual(await known(), {});
    await store.noteCommitted(0, 1, rightMs);
    await store.noteCommitted(1, 0, rightMs);
    setTimeMs(wrongMs);
    assert.deepEqual(await known(), { 1: rightMs }, 'not believed later either');
  });

  check('a note from the future is taken back, and no other', async ({ store, setTimeMs }) => {
    const rightMs = 100 * HOUR_MS;
    setTimeMs(rightMs);
    await store.noteCommitted(0, 0, rightMs + 120_000);
    assert.equal(await store.forgetFutureNotes(0), false, 'the clock of another may be ahead by this much');
    await store.noteCommitted(1, 0, rightMs + 120_001);
    assert.equal(await store.forgetFutureNotes(1), true);
    assert.equal(await store.forgetFutureNotes(1), false);
    assert.equal(await store.forgetFutureNotes(2), false);
    setTimeMs(rightMs + 120_001);
    assert.deepEqual(Object.fromEntries(await store.committedUntil()), { 0: rightMs + 120_000 });
  });

  check('the resume offset moves without a block', async ({ store }) => {
    assert.equal(await store.commit(commitOf(undefined, { resumeOffset: 50 })), 'committed');
    assert.equal(
      await store.commit(commitOf(undefined, { expectedResumeOffset: 50, resumeOffset: 70 })),
      'committed',
    );
    assert.equal(await store.resumeOffset(3), 70);
    assert.equal(await store.resumeOffset(2), 0);
  });

  check('commits are numbered, and one that is gone is noticed', async ({ store }) => {
    assert.deepEqual((await store.commitHistory(3)).last, NO_COMMIT);
    const first = { number: 1, id: 'aaaa0001' };
    await store.commit(
      commitOf(undefined, { commitId: first.id, expectedCommit: NO_COMMIT, resumeOffset: 50 }),
    );
    const next = { expectedResumeOffset: 50, resumeOffset: 70 };
    await rejectsWith(store.commit(commitOf(undefined, { ...next, expectedCommit: NO_COMMIT })), 'conflict');
    const otherwise = { number: 1, id: 'bbbb0001' };
    await rejectsWith(store.commit(commitOf(undefined, { ...next, expectedCommit: otherwise })), 'conflict');
    assert.equal(await store.resumeOffset(3), 50);
    const second = { number: 2, id: 'aaaa0002' };
    await store.commit(commitOf(undefined, { ...next, commitId: second.id, expectedCommit: first }));
    const history = await store.commitHistory(3);
    assert.deepEqual(history.last, second);
    for (const point of [NO_COMMIT, first, second]) assert.ok(history.includes(point));
    for (const point of [otherwise, { number: 3, id: 'aaaa0002' }]) assert.ok(!history.includes(point));
    assert.deepEqual(Object.fromEntries(await store.lastCommits()), { 3: second });
    const progress = await store.progress(3);
    assert.deepEqual([progress.resumeOffset, progress.history.last, progress.ledger], [70, second, []]);
  });

  check('a commit that was there already is one more', async ({ store }) => {
    const meta = metaOf();
    await stage(store, meta);
    await store.commit(commitOf(meta, { commitId: 'aaaa0001' }));
    await store.commit(commitOf(meta, { commitId: 'aaaa0002' }));
    const { history, ledger } = await store.progress(3);
    assert.deepEqual(history.last, { number: 2, id: 'aaaa0002' });
    assert.ok(history.includes({ number: 1, id: 'aaaa0001' }));
    assert.equal(ledger.length, 1);
    assert.equal((await store.progress(3, meta.toOffset + 1)).ledger.length, 0);
  });

  check(
    'who relies on a commit that is gone moves nothing, also if its head is stored already',
    async ({ store }) => {
      const meta = metaOf();
      await stage(store, meta);
      await store.commit(commitOf(meta, { commitId: 'aaaa0001', resumeOffset: 100 }));
      const lost = { number: 1, id: 'bbbb0001' };
      await rejectsWith(
        store.commit(commitOf(meta, { expectedCommit: lost, resumeOffset: 150 })),
        'conflict',
      );
      assert.equal(await store.resumeOffset(3), 100);
      const known = { number: 1, id: 'aaaa0001' };
      assert.equal(
        await store.commit(commitOf(meta, { expectedCommit: known, resumeOffset: 150 })),
        'already',
      );
      assert.equal(await store.resumeOffset(3), 150);
    },
  );

  check('of many commits the last hundred and more are known', async ({ store }) => {
    const ids = Array.from({ length: 150 }, (_, i) => String(i + 1).padStart(8, '0'));
    for (const commitId of ids) {
      await store.commit(commitOf(undefined, { commitId, expectedResumeOffset: 0, resumeOffset: 0 }));
    }
    const history = await store.commitHistory(3);
    assert.ok(history.includes({ number: 50, id: ids[49] }));
    assert.ok(!history.includes({ number: 1, id: ids[0] }));
  });

  check('heads of one window are told apart by tenant, partition and seq', async ({ store }) => {
    const metas = [
      metaOf({ blockId: 'a' }),
      metaOf({ blockId: 'b', seq: 1, fromOffset: 200, toOffset: 240, digest: 'd2' }),
      metaOf({ blockId: 'c', tenant: 'other', digest: 'd3' }),
      metaOf({ blockId: 'd', partition: 4, digest: 'd4' }),
    ];
    for (const meta of metas) {
      await stage(store, meta);
      const expectedResumeOffset = await store.resumeOffset(meta.partition);
      const { partition, toOffset } = meta;
      const resumeOffset = Math.max(expectedResumeOffset, toOffset + 1);
      await store.commit(commitOf(meta, { partition, expectedResumeOffset, resumeOffset }));
    }
    assert.equal((await store.ledger(3)).length, 3);
    assert.equal((await store.ledger(4)).length, 1);
    assert.equal((await store.list('team', 0, 100 * HOUR_MS)).length, 3);
    assert.equal((await store.list('other', 0, 100 * HOUR_MS)).length, 1);
  });
}

function conflicts(check: Check): void {
  check('another digest for a committed head is a conflict and changes nothing', async ({ store }) => {
    const meta = metaOf();
    await stage(store, meta);
    await store.commit(commitOf(meta));
    const other = metaOf({ blockId: 'block-2', digest: 'd2' });
    await stage(store, other);
    const commit = commitOf(other, { expectedResumeOffset: 200, resumeOffset: 300 });
    await rejectsWith(store.commit(commit), 'conflict');
    assert.equal(await store.resumeOffset(3), 200);
    assert.deepEqual(await store.list('team', 0, 100 * HOUR_MS), [meta]);
  });

  check('an unexpected resume offset is a conflict and changes nothing', async ({ store }) => {
    await store.commit(commitOf(undefined, { resumeOffset: 10 }));
    const meta = metaOf();
    await stage(store, meta);
    const metadata = [{ tenant: 'team', entries: [entryOf('up')] }];
    await rejectsWith(store.commit(commitOf(meta, { metadata })), 'conflict');
    assert.equal(await store.resumeOffset(3), 10);
    assert.deepEqual(await store.list('team', 0, 100 * HOUR_MS), []);
    assert.deepEqual(await store.ledger(3), []);
    assert.deepEqual(await store.metadata('team', undefined), []);
    assert.equal(await store.commit(commitOf(meta, { expectedResumeOffset: 10, metadata })), 'committed');
  });

  check('of several that commit one head at once one does', async ({ store }) => {
    const metas = Array.from({ length: 6 }, (_, i) => metaOf({ blockId: `block-${i}` }));
    await Promise.all(metas.map((meta) => stage(store, meta)));
    const outcomes = await Promise.all(metas.map((meta) => store.commit(commitOf(meta))));
    assert.equal(outcomes.filter((outcome) => outcome === 'committed').length, 1);
    assert.equal((await store.list('team', 0, 100 * HOUR_MS)).length, 1);
  });

  check('a block that was never staged is refused', async ({ store }) => {
    await rejectsWith(store.commit(commitOf(metaOf())), 'invalid');
    assert.deepEqual(await store.ledger(3), []);
  });
}

function entryOf(metric: string, help = 'h'): MetricMetadata {
  return { metric, type: 'counter', help, unit: '' };
}

function reading(check: Check): void {
  check('parts are read whole and in slices', async ({ store }) => {
    await stage(store, metaOf());
    const read = async (...slice: number[]) =>
      Buffer.from(await store.readPart('block-1', 'chunks', 0, slice[0], slice[1]));
    assert.ok((await read()).equals(BYTES));
    assert.ok((await read(0, 8192)).equals(BYTES.subarray(0, 8192)));
    assert.ok((await read(100_001, 70_000)).equals(BYTES.subarray(100_001, 170_001)));
    assert.ok((await read(299_990)).equals(BYTES.subarray(299_990)));
    assert.ok((await read(299_990, 500)).equals(BYTES.subarray(299_990)));
    assert.equal((await read(300_000, 10)).length, 0);
    assert.equal((await read(5, 0)).length, 0);
    assert.ok(Buffer.from(await store.readPart('block-1', 'chunks', 1)).equals(BYTES.subarray(5)));
    await rejectsWith(store.readPart('block-1', 'chunks', 2), 'invalid');
    await rejectsWith(store.readPart('block-1', 'series', 0), 'invalid');
    await rejectsWith(store.readPart('block-2', 'chunks', 0), 'invalid');
    await rejectsWith(store.readPart('block-1', 'chunks', 0, -1), 'invalid');
  });

  check('a part that is staged again keeps its first bytes', async ({ store }) => {
    await stage(store, metaOf());
    await store.stage('block-1', 'team', [{ kind: 'index', number: 0, bytes: new Uint8Array(3) }]);
    assert.equal((await store.readPart('block-1', 'index', 0)).length, 1000);
  });

  check('a block of many megabytes is staged whole', async ({ store }) => {
    const parts = Array.from({ length: 40 }, (_, number) => ({
      kind: 'chunks' as const,
      number,
      bytes: BYTES,
    }));
    await store.stage('large', 'team', parts);
    for (const { number } of parts) {
      assert.equal((await store.readPart('large', 'chunks', number, 299_999)).length, 1);
    }
  });

  check('a list holds the blocks that overlap the range, ends included', async ({ store }) => {
    for (let i = 0; i < 4; i++) {
      const minTimeMs = i * 100;
      const meta = metaOf({ blockId: `b${i}`, seq: i, minTimeMs, maxTimeMs: minTimeMs + 99 });
      await stage(store, meta);
      await store.commit(commitOf(meta, { expectedResumeOffset: i, resumeOffset: i + 1 }));
    }
    const listed = async (from: number, to: number) =>
      (await store.list('team', from, to)).map(({ blockId }) => blockId);
    assert.deepEqual(await listed(199, 300), ['b1', 'b2', 'b3']);
    assert.deepEqual(await listed(200, 299), ['b2']);
    assert.deepEqual(await listed(400, 900), []);
    assert.deepEqual(await store.list('nobody', 0, 900), []);
  });

  check('metadata is kept by tenant and metric, the last written stands', async ({ store }) => {
    const many = Array.from({ length: 150 }, (_, i) => entryOf(`m${i}`));
    await store.commit(
      commitOf(undefined, {
        resumeOffset: 1,
        metadata: [
          { tenant: 'team', entries: [...many, entryOf('m7', 'newer')] },
          { tenant: 'other', entries: [entryOf('m7', 'theirs')] },
        ],
      }),
    );
    assert.equal((await store.metadata('team', undefined)).length, 150);
    assert.deepEqual(await store.metadata('team', 'm7'), [entryOf('m7', 'newer')]);
    assert.deepEqual(await store.metadata('other', undefined), [entryOf('m7', 'theirs')]);
    assert.deepEqual(await store.metadata('team', 'absent'), []);
  });

  check('metadata of a replica that comes late takes none back', async ({ store }) => {
    const late = commitOf(metaOf(), { metadata: [{ tenant: 'team', entries: [entryOf('up', 'older')] }] });
    await stage(store, metaOf());
    await store.commit(late);
    const newer = [{ tenant: 'team', entries: [entryOf('up', 'newer')] }];
    await store.commit(
      commitOf(undefined, { expectedResumeOffset: 200, resumeOffset: 300, metadata: newer }),
    );
    assert.equal(await store.commit(late), 'already');
    assert.deepEqual(await store.metadata('team', 'up'), [entryOf('up', 'newer')]);
  });

  check('pruning the ledger forgets what lies below the offset alone', async ({ store }) => {
    for (let i = 0; i < 3; i++) {
      const meta = metaOf({ blockId: `b${i}`, seq: i, fromOffset: i * 100, toOffset: i * 100 + 99 });
      await stage(store, meta);
      await store.commit(commitOf(meta, { expectedResumeOffset: i, resumeOffset: i + 1 }));
    }
    await store.pruneLedger(3, 199);
    assert.deepEqual(
      (await store.ledger(3)).map(({ seq }) => seq),
      [1, 2],
    );
    await store.pruneLedger(3, 200);
    await store.pruneLedger(2, 1000);
    assert.deepEqual(
      (await store.ledger(3)).map(({ seq }) => seq),
      [2],
    );
    assert.equal((await store.list('team', 0, 100 * HOUR_MS)).length, 3);
  });
}

function sweeping(check: Check): void {
  check('a sweep deletes what was staged long ago and never went live', async ({ store, setTimeMs }) => {
    setTimeMs(1000);
    await stage(store, metaOf({ blockId: 'left-behind' }));
    await stage(store, metaOf());
    await store.commit(commitOf(metaOf()));
    // Staged again after the commit, by a writer that had no answer.
    await stage(store, metaOf());
    setTimeMs(5000);
    await stage(store, metaOf({ blockId: 'under-way', seq: 1 }));
    assert.equal(await store.sweepStaged(5000), 1);
    await rejectsWith(store.readPart('left-behind', 'index', 0), 'invalid');
    await store.readPart('block-1', 'index', 0);
    await store.readPart('under-way', 'index', 0);
    assert.equal(await store.sweepStaged(5000), 0);
    await rejectsWith(store.commit(commitOf(metaOf({ blockId: 'left-behind', seq: 9 }))), 'invalid');
  });
}
