import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockStore } from '../blocks/block-store.ts';
import { commitOf, metaOf, stage } from '../blocks/block-store-contract.ts';
import { type DeletionStore, hidesOf, type SeriesDeletion } from './series-deletion.ts';

export interface DeletionStoreUnderTest {
  readonly deletions: DeletionStore;
  readonly blocks: BlockStore;
  dispose(): Promise<void>;
}

export function deletionOf(changes: Partial<SeriesDeletion> = {}): SeriesDeletion {
  return {
    deletionId: 'deletion-1',
    tenant: 'team',
    requestedMs: 5_000,
    startMs: 1_000,
    endMs: 2_000,
    matcherSets: [
      [{ type: '=~', name: 'job', value: 'a.*' }],
      [{ type: '!=', name: 'x', value: 'it\'s "so"' }],
    ],
    ...changes,
  };
}

/** What every `DeletionStore` promises, and `BlockStore` of tombstones. `open` makes both on one empty database. */
export function deletionStoreContract(name: string, open: () => Promise<DeletionStoreUnderTest>): void {
  const check = (title: string, run: (subject: DeletionStoreUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  const EVER = [0, 1e12] as const;

  check('what is hidden is told of at once, by tenant and time', async ({ deletions, blocks }) => {
    const deletion = deletionOf();
    await deletions.hide(
      deletion,
      new Map(
        [
          [0, 17],
          [3, 4],
        ].map(([p, o]) => [p, o]),
      ),
    );
    const [first, second, ...more] = await blocks.tombstones('team', ...EVER);
    assert.deepEqual(more, []);
    assert.deepEqual([first.partition, first.logOffset, second.partition, second.logOffset], [0, 17, 3, 4]);
    const { matcherSets, ...rest } = first;
    assert.deepEqual(rest, {
      deletionId: 'deletion-1',
      partition: 0,
      logOffset: 17,
      startMs: 1_000,
      endMs: 2_000,
    });
    assert.deepEqual(
      matcherSets.map((set) => set.map(({ type, name: label, value }) => ({ type, name: label, value }))),
      deletion.matcherSets,
    );
    assert.deepEqual(await blocks.tombstones('other', ...EVER), []);
    for (const [from, to, count] of [
      [0, 999, 0],
      [0, 1_000, 2],
      [2_000, 3_000, 2],
      [2_001, 3_000, 0],
    ]) {
      assert.equal((await blocks.tombstones('team', from, to)).length, count, `${from} to ${to}`);
    }
  });

  check(
    'the same again changes nothing, a later offset of the same counts',
    async ({ deletions, blocks }) => {
      const deletion = deletionOf();
      await deletions.hide(deletion, new Map([[0, 17]]));
      await deletions.hide(deletion, new Map([[0, 12]]));
      assert.deepEqual(
        (await blocks.tombstones('team', ...EVER)).map((one) => one.logOffset),
        [17],
      );
      await blocks.commit(
        commitOf(undefined, { partition: 0, resumeOffset: 30, deletions: [{ deletion, logOffset: 21 }] }),
      );
      assert.deepEqual(
        (await blocks.tombstones('team', ...EVER)).map((one) => one.logOffset),
        [21],
      );
    },
  );

  check('what a commit brings along is there with it, and not without it', async ({ deletions, blocks }) => {
    const deletion = deletionOf();
    const logged = [{ deletion, logOffset: 8 }];
    await assert.rejects(
      blocks.commit(commitOf(undefined, { expectedResumeOffset: 5, resumeOffset: 9, deletions: logged })),
    );
    assert.deepEqual(await blocks.tombstones('team', ...EVER), []);
    await blocks.commit(commitOf(undefined, { resumeOffset: 9, deletions: logged }));
    assert.equal((await blocks.tombstones('team', ...EVER)).length, 1);
    assert.deepEqual((await deletions.progress('team', 'deletion-1'))?.deletion, deletion);
  });

  check(
    'progress names partitions and the blocks that are left, to the tenant alone',
    async ({ deletions, blocks }) => {
      for (const [seq, toOffset, minTimeMs] of [
        [0, 10, 1_500],
        [1, 20, 1_500],
        [2, 11, 2_500],
      ]) {
        const meta = metaOf({ blockId: `b${seq}`, seq, toOffset, minTimeMs, maxTimeMs: minTimeMs + 100 });
        await stage(blocks, meta);
        const expectedResumeOffset = await blocks.resumeOffset(3);
        await blocks.commit(commitOf(meta, { expectedResumeOffset, resumeOffset: expectedResumeOffset + 1 }));
      }
      assert.equal(await deletions.unfinished('team'), 0);
      await deletions.hide(
        deletionOf(),
        new Map(
          [
            [3, 15],
            [4, 0],
          ].map(([p, o]) => [p, o]),
        ),
      );
      assert.equal(await deletions.unfinished('team'), 1);
      assert.equal(await deletions.unfinished('other'), 0);
      const progress = await deletions.progress('team', 'deletion-1');
      assert.deepEqual(
        { ...progress, deletion: undefined },
        { deletion: undefined, doneMs: undefined, partitions: 2, partitionsDone: 0, blocksLeft: 1 },
      );
      assert.equal(await deletions.progress('other', 'deletion-1'), undefined);
      assert.equal(await deletions.progress('team', 'deletion-2'), undefined);
    },
  );

  test(`${name}: a tombstone hides what was in its partition's log before it`, () => {
    const tombstone = { partition: 3, logOffset: 15 };
    for (const [partition, toOffset, hides] of [
      [3, 14, true],
      [3, 15, true],
      [3, 16, false],
      [2, 1, false],
    ] as const) {
      assert.equal(hidesOf(tombstone, metaOf({ partition, toOffset })), hides);
    }
  });
}
