import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockMeta, BlockStore } from '../blocks/block-store.ts';
import { commitOf, metaOf, stage } from '../blocks/block-store-contract.ts';
import { deletionOf } from '../deletion/deletion-store-contract.ts';
import type { DeletionStore } from '../deletion/series-deletion.ts';
import { rejectsWith } from '../sql/database-contract.ts';
import { COMPACTION_DAY_MS as DAY } from './compaction-plan.ts';
import type { CompactionJob, CompactionPolicy, CompactionStore } from './compaction-store.ts';

/** Stores under test on one empty, migrated database. */
export interface CompactionStoreUnderTest {
  readonly compaction: CompactionStore;
  readonly blocks: BlockStore;
  readonly deletions: DeletionStore;
  /** The wall clock the stores were given, ms. */
  setTimeMs(nowMs: number): void;
  dispose(): Promise<void>;
}

const HOUR = 3_600_000;
const POLICY: CompactionPolicy = { settleMs: HOUR, freshBlocks: 4, lateBlocks: 2 };
/** Long after the day that blocks of these tests are of. */
const LATER = 20 * DAY;

/** Commits a level 0 block of two hours of day 10 that ends at offset `seq`, and moves the resume offset behind it. */
async function commitBlock(
  blocks: BlockStore,
  seq: number,
  changes: Partial<BlockMeta> = {},
): Promise<BlockMeta> {
  const windowStartMs = 10 * DAY + (seq % 12) * 2 * HOUR;
  const meta = metaOf({
    blockId: `block-${seq}`,
    seq,
    windowStartMs,
    minTimeMs: windowStartMs,
    maxTimeMs: windowStartMs + 2 * HOUR - 1,
    fromOffset: seq,
    toOffset: seq,
    digest: `d${seq}`,
    ...changes,
  });
  await stage(blocks, meta);
  const { partition } = meta;
  const expectedResumeOffset = await blocks.resumeOffset(partition);
  const resumeOffset = Math.max(expectedResumeOffset, meta.toOffset + 1);
  await blocks.commit(commitOf(meta, { partition, expectedResumeOffset, resumeOffset }));
  return meta;
}

/** What a merge of blocks would become. */
async function stageMerged(blocks: BlockStore, inputs: readonly BlockMeta[], blockId = 'merged') {
  const [first] = inputs;
  const toOffset = Math.max(...inputs.map((meta) => meta.toOffset));
  const times = { minTimeMs: first.minTimeMs, maxTimeMs: Math.max(...inputs.map((meta) => meta.maxTimeMs)) };
  const window = { windowStartMs: 10 * DAY, windowMs: DAY };
  const meta = { ...first, ...window, ...times, blockId, level: 1, toOffset };
  await stage(blocks, meta);
  return { meta, partCount: 3 };
}

const listed = async (blocks: BlockStore, tenant = 'team') =>
  (await blocks.list(tenant, 0, 100 * DAY)).map(({ blockId }) => blockId).sort();

type Check = (title: string, run: (subject: CompactionStoreUnderTest) => Promise<void>) => void;

/** What every `CompactionStore` promises, as tests. `open` makes an empty one. */
export function compactionStoreContract(name: string, open: () => Promise<CompactionStoreUnderTest>): void {
  const check: Check = (title, run) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        subject.setTimeMs(LATER);
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  planning(check);
  leases(check);
  swapping(check);
  deleting(check);
  forgetting(check);
}

function planning(check: Check): void {
  const planned = async ({ compaction }: CompactionStoreUnderTest): Promise<CompactionJob[]> => {
    await compaction.plan(POLICY);
    const jobs: CompactionJob[] = [];
    for (let job = await compaction.claim('w', 1); job !== undefined; job = await compaction.claim('w', 1)) {
      jobs.push(job);
      await compaction.finish(job);
    }
    return jobs;
  };

  check('a day is due once it is over, with all its blocks below the resume offset', async (subject) => {
    await commitBlock(subject.blocks, 0);
    assert.deepEqual(await planned(subject), []);
    await commitBlock(subject.blocks, 1);
    subject.setTimeMs(11 * DAY + HOUR - 1);
    assert.deepEqual(await planned(subject), []);
    subject.setTimeMs(11 * DAY + HOUR);
    const job = { tenant: 'team', partition: 3, dayStartMs: 10 * DAY, owner: 'w' };
    assert.deepEqual(await planned(subject), [job]);
    assert.deepEqual(await subject.compaction.inputs(job), {
      blocks: (await subject.blocks.list('team', 0, 100 * DAY)).map((meta) => ({
        ...meta,
        purgedOffset: -1,
      })),
      tombstones: [],
      resumeOffset: 2,
      commit: (await subject.blocks.commitHistory(job.partition)).last,
    });
  });

  check('a head that is not committed yet keeps what came after it from being merged', async (subject) => {
    await commitBlock(subject.blocks, 0);
    const late = metaOf({ blockId: 'late', fromOffset: 7, toOffset: 9, windowStartMs: 10 * DAY, seq: 7 });
    await stage(subject.blocks, late);
    await subject.blocks.commit(commitOf(late, { expectedResumeOffset: 1, resumeOffset: 5 }));
    assert.deepEqual(await planned(subject), []);
    const job = { tenant: 'team', partition: 3, dayStartMs: 10 * DAY, owner: 'w' };
    assert.deepEqual(
      (await subject.compaction.inputs(job)).blocks.map(({ blockId }) => blockId),
      ['block-0'],
    );
    await subject.blocks.commit(commitOf(undefined, { expectedResumeOffset: 5, resumeOffset: 10 }));
    assert.equal((await planned(subject)).length, 1);
  });

  check('a day that goes on is due with many blocks, a merged one with some late ones', async (subject) => {
    subject.setTimeMs(10 * DAY + HOUR);
    const metas: BlockMeta[] = [];
    for (let seq = 0; seq < 3; seq++) metas.push(await commitBlock(subject.blocks, seq));
    assert.deepEqual(await planned(subject), []);
    metas.push(await commitBlock(subject.blocks, 3));
    assert.equal((await planned(subject)).length, 1);
    const merged = await stageMerged(subject.blocks, metas);
    await subject.compaction.swap({ replaced: metas, merged, purgedOffset: 3 });
    subject.setTimeMs(LATER);
    await commitBlock(subject.blocks, 4);
    assert.deepEqual(await planned(subject), []);
    await commitBlock(subject.blocks, 5);
    assert.equal((await planned(subject)).length, 1);
  });

  check('tenants, partitions and days are planned apart', async (subject) => {
    for (const [i, changes] of [
      { tenant: 'other' },
      { partition: 4 },
      { windowStartMs: 11 * DAY, minTimeMs: 11 * DAY, maxTimeMs: 11 * DAY + 1 },
      {},
    ].entries()) {
      for (const more of [0, 12]) {
        await commitBlock(subject.blocks, i + more, { blockId: `b-${i}-${more}`, ...changes });
      }
    }
    const jobs = await planned(subject);
    assert.deepEqual(
      jobs.map(({ tenant, partition, dayStartMs }) => `${tenant} ${partition} ${dayStartMs / DAY}`).sort(),
      ['other 3 10', 'team 3 10', 'team 3 11', 'team 4 10'],
    );
  });

  check('windows that days are not made of are not merged', async (subject) => {
    for (const seq of [0, 1]) await commitBlock(subject.blocks, seq, { windowMs: 7 * HOUR });
    assert.deepEqual(await planned(subject), []);
  });

  check('days before 1970 begin at multiples of a day too', async (subject) => {
    for (const seq of [0, 1])
      await commitBlock(subject.blocks, seq, {
        windowStartMs: -2 * HOUR * (seq + 1),
        minTimeMs: -1,
        maxTimeMs: 5,
      });
    assert.deepEqual(
      (await planned(subject)).map(({ dayStartMs }) => dayStartMs),
      [-DAY],
    );
  });
}

function leases(check: Check): void {
  const twoJobs = async ({ blocks, compaction }: CompactionStoreUnderTest) => {
    for (const tenant of ['a', 'b']) {
      for (const seq of [0, 1]) await commitBlock(blocks, seq, { tenant, blockId: `${tenant}-${seq}` });
    }
    assert.equal(await compaction.plan(POLICY), 2);
    assert.equal(await compaction.plan(POLICY), 0);
  };

  check('each job is one owner’s, however many ask at once', async (subject) => {
    await twoJobs(subject);
    const claims = await Promise.all(
      Array.from({ length: 6 }, (_, i) => subject.compaction.claim(`owner-${i}`, 1_000)),
    );
    const taken = claims.filter((job) => job !== undefined);
    // Who meets a row that another is taking may go away with nothing, and asks again.
    for (
      let more = await subject.compaction.claim('late', 1_000);
      more;
      more = await subject.compaction.claim('late', 1_000)
    )
      taken.push(more);
    assert.deepEqual(taken.map(({ tenant }) => tenant).sort(), ['a', 'b']);
  });

  check('a lease that ended is another’s, and the first one learns it', async (subject) => {
    await twoJobs(subject);
    const first = await subject.compaction.claim('one', 1_000);
    const second = await subject.compaction.claim('one', 1_000);
    assert.ok(first !== undefined && second !== undefined);
    assert.equal(await subject.compaction.claim('two', 1_000), undefined);
    subject.setTimeMs(LATER + 500);
    assert.equal(await subject.compaction.renew(first, 1_000), true);
    subject.setTimeMs(LATER + 1_000);
    const stolen = await subject.compaction.claim('two', 1_000);
    assert.equal(stolen?.tenant, second.tenant);
    assert.equal(await subject.compaction.renew(second, 1_000), false);
    await subject.compaction.finish(second);
    assert.equal((await subject.compaction.counts()).jobs, 2, 'finished by nobody but its owner');
  });

  check('a job that failed waits longer each time', async (subject) => {
    await twoJobs(subject);
    let nowMs = LATER;
    const other = await subject.compaction.claim('other', 1e12);
    assert.ok(other !== undefined);
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      const job = await subject.compaction.claim('w', 1_000);
      assert.ok(job !== undefined);
      await subject.compaction.postpone(job);
      const startedMs = nowMs;
      while ((await subject.compaction.claim('probe', 0)) === undefined) {
        nowMs += 5_000;
        subject.setTimeMs(nowMs);
      }
      waits.push(nowMs - startedMs);
    }
    assert.deepEqual(waits, [10_000, 20_000, 40_000]);
    assert.equal((await subject.compaction.counts()).failedJobs, 1);
  });
}

function swapping(check: Check): void {
  check('a merge of what the database has lost since takes nobody’s place', async (subject) => {
    const { blocks, compaction } = subject;
    const metas = [await commitBlock(blocks, 0), await commitBlock(blocks, 1)];
    const [{ tenant, partition, windowStartMs }] = metas;
    const dayStartMs = Math.floor(windowStartMs / DAY) * DAY;
    const { commit } = await compaction.inputs({ tenant, partition, dayStartMs, owner: 'o' });
    assert.deepEqual(commit, (await blocks.commitHistory(partition)).last);
    const merged = await stageMerged(blocks, metas);
    const lost = { number: commit.number, id: 'gone0001' };
    await rejectsWith(
      compaction.swap({ replaced: metas, merged, purgedOffset: 1, commit: lost }),
      'conflict',
    );
    assert.deepEqual(await listed(blocks), ['block-0', 'block-1']);
    await compaction.swap({ replaced: metas, merged, purgedOffset: 1, commit });
    assert.deepEqual(await blocks.list('team', 0, 100 * DAY), [merged.meta]);
  });

  check('replaced blocks leave the list at once and their parts later', async (subject) => {
    const { blocks, compaction } = subject;
    const metas = [await commitBlock(blocks, 0), await commitBlock(blocks, 1)];
    const merged = await stageMerged(blocks, metas);
    assert.deepEqual(await listed(blocks), ['block-0', 'block-1']);
    await compaction.swap({ replaced: metas, merged, purgedOffset: 1 });
    assert.deepEqual(await blocks.list('team', 0, 100 * DAY), [merged.meta]);
    for (const { blockId } of metas) await blocks.readPart(blockId, 'chunks', 0, 5, 5);
    assert.equal(await compaction.purgeRetired(LATER), 0);
    subject.setTimeMs(LATER + 1);
    assert.equal(await compaction.purgeRetired(LATER + 1), 2);
    for (const { blockId } of metas) await rejectsWith(blocks.readPart(blockId, 'chunks', 0), 'invalid');
    await blocks.readPart('merged', 'chunks', 0);
    assert.equal((await blocks.ledger(3)).length, 2, 'a replay still knows what is stored');
    const { liveBlocks, retiredBlocks, stagedBlocks } = await compaction.counts();
    assert.deepEqual(
      { liveBlocks, retiredBlocks, stagedBlocks },
      { liveBlocks: 1, retiredBlocks: 0, stagedBlocks: 0 },
    );
  });

  check(
    'blocks of which nothing is left go without another in their place',
    async ({ blocks, compaction }) => {
      const meta = await commitBlock(blocks, 0);
      await compaction.swap({ replaced: [meta], merged: undefined, purgedOffset: 0 });
      assert.deepEqual(await listed(blocks), []);
    },
  );

  check('a swap of a block that is gone changes nothing', async ({ blocks, compaction }) => {
    const metas = [await commitBlock(blocks, 0), await commitBlock(blocks, 1)];
    await compaction.swap({ replaced: [metas[1]], merged: undefined, purgedOffset: 0 });
    const merged = await stageMerged(blocks, metas);
    await rejectsWith(compaction.swap({ replaced: metas, merged, purgedOffset: 1 }), 'conflict');
    assert.deepEqual(await listed(blocks), ['block-0']);
    assert.equal((await compaction.counts()).retiredBlocks, 1);
  });

  check('a swap to a block that is not staged whole changes nothing', async ({ blocks, compaction }) => {
    const metas = [await commitBlock(blocks, 0), await commitBlock(blocks, 1)];
    const merged = await stageMerged(blocks, metas);
    const missing = { ...merged, partCount: 4 };
    await rejectsWith(compaction.swap({ replaced: metas, merged: missing, purgedOffset: 1 }), 'invalid');
    await blocks.sweepStaged(LATER + 1);
    await rejectsWith(compaction.swap({ replaced: metas, merged, purgedOffset: 1 }), 'invalid');
    assert.deepEqual(await listed(blocks), ['block-0', 'block-1']);
  });

  check('of several that swap the same blocks one does', async ({ blocks, compaction }) => {
    const metas = [await commitBlock(blocks, 0), await commitBlock(blocks, 1)];
    const outcomes = await Promise.allSettled(
      Array.from({ length: 4 }, async (_, i) => {
        const merged = await stageMerged(blocks, metas, `merged-${i}`);
        await compaction.swap({ replaced: i % 2 ? metas : metas.toReversed(), merged, purgedOffset: 1 });
      }),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal((await listed(blocks)).length, 1);
  });

  check(
    'a head that was committed stays committed when its block was replaced',
    async ({ blocks, compaction }) => {
      const meta = await commitBlock(blocks, 0);
      await compaction.swap({ replaced: [meta], merged: undefined, purgedOffset: 0 });
      await stage(blocks, meta);
      assert.equal(
        await blocks.commit(commitOf(meta, { expectedResumeOffset: 1, resumeOffset: 1 })),
        'already',
      );
      assert.deepEqual(await listed(blocks), []);
    },
  );
}

function deleting(check: Check): void {
  const everything = { startMs: 0, endMs: 100 * DAY };

  check('blocks that hold what was deleted are planned until they were written again', async (subject) => {
    const { blocks, compaction, deletions } = subject;
    subject.setTimeMs(10 * DAY);
    const metas = [await commitBlock(blocks, 0), await commitBlock(blocks, 1)];
    await deletions.hide(deletionOf(everything), new Map([[3, 2]]));
    assert.equal(await compaction.plan(POLICY), 0, 'heads from before the deletion may be to come');
    assert.equal(await compaction.settleDeletions(0, 0), 0);
    await blocks.commit(commitOf(undefined, { expectedResumeOffset: 2, resumeOffset: 3 }));
    assert.equal(await compaction.plan(POLICY), 1);
    const job = await compaction.claim('w', 1_000);
    assert.ok(job !== undefined);
    const inputs = await compaction.inputs(job);
    assert.deepEqual(
      inputs.tombstones.map(({ logOffset }) => logOffset),
      [2],
    );
    assert.equal((await deletions.progress('team', 'deletion-1'))?.blocksLeft, 2);
    const merged = await stageMerged(blocks, metas);
    await compaction.swap({ replaced: metas, merged, purgedOffset: inputs.resumeOffset - 1 });
    await compaction.finish(job);
    assert.equal(await compaction.plan(POLICY), 0);
    assert.equal(await compaction.settleDeletions(0, 0), 1);
    const progress = await deletions.progress('team', 'deletion-1');
    assert.equal(progress?.doneMs, 10 * DAY);
    assert.equal(progress?.partitionsDone, 1);
    assert.equal(await deletions.unfinished('team'), 0);
  });

  check('a deletion of what no block holds is done once all before it is in blocks', async (subject) => {
    const { blocks, compaction, deletions } = subject;
    await commitBlock(blocks, 0);
    const outside = { startMs: 50 * DAY, endMs: 51 * DAY };
    await deletions.hide(
      deletionOf(outside),
      new Map(
        [
          [3, 5],
          [4, 0],
        ].map(([p, o]) => [p, o]),
      ),
    );
    assert.equal(await compaction.settleDeletions(0, 0), 0);
    await blocks.commit(commitOf(undefined, { expectedResumeOffset: 1, resumeOffset: 6 }));
    assert.equal(await compaction.settleDeletions(0, 0), 1);
    assert.equal((await deletions.progress('team', 'deletion-1'))?.doneMs, undefined);
    await blocks.commit(commitOf(undefined, { partition: 4, resumeOffset: 1 }));
    assert.equal(await compaction.settleDeletions(0, 0), 1);
    assert.equal((await deletions.progress('team', 'deletion-1'))?.doneMs, LATER);
  });

  check('tombstones stay for the reads under way, and receipts longer', async (subject) => {
    const { blocks, compaction, deletions } = subject;
    await deletions.hide(deletionOf(everything), new Map([[3, 0]]));
    await blocks.commit(commitOf(undefined, { resumeOffset: 1 }));
    await compaction.settleDeletions(LATER, LATER);
    const left = async () => (await blocks.tombstones('team', 0, 100 * DAY)).length;
    assert.equal(await left(), 1);
    await compaction.settleDeletions(LATER + 1, LATER);
    assert.equal(await left(), 0);
    assert.equal((await deletions.progress('team', 'deletion-1'))?.doneMs, LATER);
    await compaction.settleDeletions(LATER + 1, LATER + 1);
    assert.equal(await deletions.progress('team', 'deletion-1'), undefined);
  });
}

function forgetting(check: Check): void {
  check('blocks that end before a time are retired, of one tenant alone', async ({ blocks, compaction }) => {
    for (const tenant of ['team', 'other']) {
      for (const seq of [0, 1]) await commitBlock(blocks, seq, { tenant, blockId: `${tenant}-${seq}` });
    }
    assert.deepEqual((await compaction.tenantsWithBlocks()).sort(), ['other', 'team']);
    assert.equal(await compaction.retireBefore('team', 10 * DAY + 2 * HOUR - 1), 0);
    assert.equal(await compaction.retireBefore('team', 10 * DAY + 2 * HOUR), 1);
    assert.deepEqual(await listed(blocks), ['team-1']);
    assert.deepEqual(await listed(blocks, 'other'), ['other-0', 'other-1']);
    await blocks.readPart('team-0', 'index', 0);
  });

  check(
    'nothing is left of a tenant but what a replay has to know',
    async ({ blocks, compaction, deletions }) => {
      for (const tenant of ['team', 'other']) {
        await commitBlock(blocks, 0, { tenant, blockId: `${tenant}-0` });
        await commitBlock(blocks, 1, { tenant, blockId: `${tenant}-1` });
        const entries = [{ metric: 'up', type: 'gauge' as const, help: '', unit: '' }];
        const expectedResumeOffset = await blocks.resumeOffset(3);
        await blocks.commit(
          commitOf(undefined, { expectedResumeOffset, resumeOffset: 2, metadata: [{ tenant, entries }] }),
        );
        const deletionId = `deletion-of-${tenant}`;
        await deletions.hide(deletionOf({ tenant, deletionId }), new Map([[3, 0]]));
      }
      assert.equal(await compaction.plan(POLICY), 2);
      assert.ok((await compaction.forgetTenant('team')) > 0);
      assert.deepEqual(await listed(blocks), []);
      assert.deepEqual(await blocks.metadata('team', undefined), []);
      assert.deepEqual(await blocks.tombstones('team', 0, 1e12), []);
      assert.equal(await deletions.progress('team', 'deletion-of-team'), undefined);
      assert.equal(await compaction.forgetTenant('team'), 0);
      assert.equal((await blocks.ledger(3)).length, 4);
      assert.deepEqual(await listed(blocks, 'other'), ['other-0', 'other-1']);
      assert.equal((await blocks.metadata('other', undefined)).length, 1);
      assert.equal((await deletions.progress('other', 'deletion-of-other'))?.partitions, 1);
      assert.equal((await compaction.counts()).jobs, 1);
    },
  );
}
