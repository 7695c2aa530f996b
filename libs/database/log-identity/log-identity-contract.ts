import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockStore } from '../blocks/block-store.ts';
import { commitOf, metaOf, stage } from '../blocks/block-store-contract.ts';
import type { LogReplacement } from '../blocks/log-replacement.ts';
import type { CompactionStore } from '../compaction/compaction-store.ts';
import { hidesOf, type SeriesDeletion } from '../deletion/series-deletion.ts';
import { rejectsWith } from '../sql/database-contract.ts';
import type { LogIdentityStore } from './log-identity-store.ts';

export interface LogIdentityUnderTest {
  readonly identities: LogIdentityStore;
  readonly blocks: BlockStore;
  readonly compaction: CompactionStore;
  dispose(): Promise<void>;
}

type Check = (title: string, run: (subject: LogIdentityUnderTest) => Promise<void>) => void;

const PARTITION = 3;
const ALWAYS = [0, 1e15] as const;

/** What the database promises of the logs that its offsets are of. `open` makes stores on an empty database. */
export function logIdentityContract(name: string, open: () => Promise<LogIdentityUnderTest>): void {
  const check: Check = (title, run) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  registering(check);
  committing(check);
  replacing(check);
}

function registering(check: Check): void {
  check('the first log that is registered is the one', async ({ identities }) => {
    assert.deepEqual(await identities.known(), { registered: undefined, partitions: [] });
    const answers = await Promise.all(['log-a', 'log-b'].map((identity) => identities.register(identity)));
    assert.equal(answers[0], answers[1]);
    assert.equal((await identities.known()).registered, answers[0]);
  });

  check('a partition without a log of its own has the registered one', async ({ identities, blocks }) => {
    await blocks.commit(commitOf(undefined));
    assert.equal((await blocks.progress(PARTITION)).logIdentity, undefined);
    await identities.register('log-a');
    assert.equal((await blocks.progress(PARTITION)).logIdentity, 'log-a');
    assert.equal((await blocks.progress(0)).logIdentity, 'log-a');
    assert.deepEqual((await identities.known()).partitions, [
      { partition: PARTITION, resumeOffset: 200, identity: 'log-a' },
    ]);
  });
}

function committing(check: Check): void {
  const of = (identity: string, offset: number) => ({
    log: { identity, mark: { offset, fingerprint: `f${offset}` } },
  });

  check('a commit notes its log, and one of another log moves nothing', async ({ identities, blocks }) => {
    await blocks.commit(commitOf(undefined, of('log-a', 219)));
    assert.equal((await blocks.progress(PARTITION)).logIdentity, 'log-a');
    const next = { expectedResumeOffset: 200, resumeOffset: 300 };
    await rejectsWith(blocks.commit(commitOf(undefined, { ...next, ...of('log-b', 299) })), 'conflict');
    const meta = metaOf();
    await stage(blocks, meta);
    await rejectsWith(blocks.commit(commitOf(meta, { ...next, ...of('log-b', 299) })), 'conflict');
    assert.equal(await blocks.resumeOffset(PARTITION), 200);
    assert.deepEqual(await blocks.list('team', ...ALWAYS), []);
    await identities.register('log-c');
    assert.equal((await blocks.progress(PARTITION)).logIdentity, 'log-a');
    await rejectsWith(blocks.commit(commitOf(undefined, { partition: 0, ...of('log-a', 1) })), 'conflict');
  });

  check('a mark moves forwards only', async ({ blocks }) => {
    assert.equal((await blocks.progress(PARTITION)).mark, undefined);
    await blocks.commit(commitOf(undefined, of('log-a', 219)));
    const next = { expectedResumeOffset: 200, resumeOffset: 210 };
    await blocks.commit(commitOf(undefined, { ...next, ...of('log-a', 215) }));
    assert.deepEqual((await blocks.progress(PARTITION)).mark, { offset: 219, fingerprint: 'f219' });
    const last = {
      expectedResumeOffset: 210,
      resumeOffset: 220,
      log: { identity: 'log-a', mark: undefined },
    };
    await blocks.commit(commitOf(undefined, last));
    assert.deepEqual((await blocks.progress(PARTITION)).mark, { offset: 219, fingerprint: 'f219' });
  });
}

const DELETION: SeriesDeletion = {
  deletionId: 'deletion-1',
  tenant: 'team',
  requestedMs: 0,
  startMs: 0,
  endMs: 1e15,
  matcherSets: [[{ type: '=', name: 'job', value: 'api' }]],
};

/** Two blocks and a deletion between them, all of one log, and a record that was taken out. */
async function storedBlocks({ blocks, identities }: LogIdentityUnderTest): Promise<LogReplacement> {
  await identities.register('log-a');
  const metas = [
    metaOf({ blockId: 'before', fromOffset: 100, toOffset: 150 }),
    metaOf({ blockId: 'after', seq: 1, fromOffset: 151, toOffset: 199 }),
  ];
  for (const meta of metas) {
    await stage(blocks, meta);
    const deletions = [{ deletion: DELETION, logOffset: 150 }];
    const resumeOffset = meta.toOffset + 1;
    const expectedResumeOffset = await blocks.resumeOffset(PARTITION);
    await blocks.commit(commitOf(meta, { expectedResumeOffset, resumeOffset, deletions }));
  }
  await blocks.skipRecord(PARTITION, 7);
  const { history } = await blocks.progress(PARTITION);
  return {
    partition: PARTITION,
    expectedResumeOffset: 200,
    expectedCommit: history.last,
    identity: 'log-b',
    startOffset: 0,
    partitionCount: 4,
  };
}

function replacing(check: Check): void {
  check('a partition begins another log at its start, and passes over nothing of it', async (subject) => {
    const { blocks } = subject;
    const replacement = await storedBlocks(subject);
    await blocks.replaceLog(replacement);
    const { resumeOffset, logIdentity, mark, ledger, history } = await blocks.progress(PARTITION);
    assert.deepEqual([resumeOffset, logIdentity, mark, ledger], [0, 'log-b', undefined, []]);
    assert.deepEqual(await blocks.skippedRecords(PARTITION), []);
    // Who knows the commits before is told that there was one more.
    assert.ok(history.includes(replacement.expectedCommit));
    assert.equal(history.last.number, replacement.expectedCommit.number + 1);
  });

  check('what is stored stays: below the other log, in its order, with what was deleted', async (subject) => {
    const { blocks } = subject;
    await blocks.replaceLog(await storedBlocks(subject));
    const [before, after] = (await blocks.list('team', ...ALWAYS)).sort(
      (a, b) => a.fromOffset - b.fromOffset,
    );
    assert.deepEqual([before.blockId, after.blockId], ['before', 'after']);
    assert.deepEqual(
      [before.fromOffset, before.toOffset, after.fromOffset, after.toOffset],
      [-100, -50, -49, -1],
    );
    const [tombstone] = await blocks.tombstones('team', ...ALWAYS);
    assert.ok(hidesOf(tombstone, before));
    assert.ok(!hidesOf(tombstone, after));
    const next = metaOf({ blockId: 'next', seq: 0, fromOffset: 0, toOffset: 20 });
    await stage(blocks, next);
    const log = { identity: 'log-b', mark: undefined };
    await blocks.commit(commitOf(next, { expectedResumeOffset: 0, resumeOffset: 21, log }));
    assert.ok(!hidesOf(tombstone, next));
  });

  check('a log that is too far on already leaves the blocks where they are', async (subject) => {
    await subject.blocks.replaceLog({ ...(await storedBlocks(subject)), startOffset: 200 });
    const [first] = await subject.blocks.list('team', ...ALWAYS);
    assert.ok(first.fromOffset >= 100);
  });

  check('it is the registered log once every partition goes on with it', async (subject) => {
    const { blocks, identities } = subject;
    const replacement = await storedBlocks(subject);
    await blocks.replaceLog(replacement);
    assert.equal((await identities.known()).registered, 'log-a');
    for (const partition of [0, 1, 2]) {
      const { history, resumeOffset: expectedResumeOffset } = await blocks.progress(partition);
      await blocks.replaceLog({
        ...replacement,
        partition,
        expectedResumeOffset,
        expectedCommit: history.last,
      });
    }
    assert.equal((await identities.known()).registered, 'log-b');
  });

  check('a partition that was committed meanwhile stays unchanged', async (subject) => {
    const { blocks } = subject;
    const replacement = await storedBlocks(subject);
    await blocks.commit(commitOf(undefined, { expectedResumeOffset: 200, resumeOffset: 210 }));
    await rejectsWith(blocks.replaceLog(replacement), 'conflict');
    const { resumeOffset, logIdentity, ledger } = await blocks.progress(PARTITION);
    assert.deepEqual([resumeOffset, logIdentity, ledger.length], [210, 'log-a', 2]);
  });

  check('a merge that began before ends with nothing', async (subject) => {
    const { blocks, compaction } = subject;
    const replacement = await storedBlocks(subject);
    const replaced = await blocks.list('team', ...ALWAYS);
    await blocks.replaceLog(replacement);
    const meta = metaOf({ blockId: 'merged', fromOffset: 100, toOffset: 199 });
    await stage(blocks, meta);
    await rejectsWith(
      compaction.swap({ replaced, merged: { meta, partCount: 3 }, purgedOffset: 199 }),
      'conflict',
    );
    assert.equal((await blocks.list('team', ...ALWAYS)).length, 2);
  });
}
