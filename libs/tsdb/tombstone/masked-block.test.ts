import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareUtf8, Labels, Matcher } from '@xscaler/model';
import fc from 'fast-check';
import { BlockReader } from '../block/block-reader.ts';
import { mergeBlocks } from '../block-merging/block-merge.ts';
import type { SeriesExemplars } from '../frame/series-exemplars.ts';
import { Head } from '../head/head.ts';
import type { HeadSelection } from '../head/head-selection.ts';
import { blockOfHead, collectBlock, PartsInMemory } from '../testing/block-parts.ts';
import {
  appends,
  appendTo,
  bounds,
  MODEL_LABELS,
  matcherSets,
  readFrames,
  slotOf,
  TENANT,
  WINDOW_MS,
  WINDOW_START_MS,
} from '../testing/head-model.ts';
import { maskExemplars, maskFrame } from './masked-frame.ts';
import { joinHoles, SeriesMask, type Tombstone } from './tombstones.ts';

const signal = new AbortController().signal;
const identity = { blockId: 'b-1', partition: 3, fromOffset: 17 };

function newHead(): Head {
  const window = { windowStartMs: WINDOW_START_MS, windowMs: WINDOW_MS };
  return new Head({ tenant: TENANT, partition: 3, seq: 0, fromOffset: 17, ...window });
}

/** Some of them end before they start. */
const ranges = fc.oneof(
  { weight: 3, arbitrary: bounds },
  { weight: 1, arbitrary: bounds.map(([startMs, endMs]) => [endMs, startMs] as const) },
);

const tombstones: fc.Arbitrary<Tombstone[]> = fc.array(
  fc
    .tuple(
      matcherSets.filter((sets) => sets.length > 0),
      ranges,
    )
    .map(([sets, [startMs, endMs]]) => ({ matcherSets: sets, startMs, endMs })),
  { minLength: 1, maxLength: 3 },
);

function isHidden(hidden: readonly Tombstone[], labels: Labels, timestampMs: number): boolean {
  return hidden.some(
    ({ matcherSets: sets, startMs, endMs }) =>
      timestampMs >= startMs &&
      timestampMs <= endMs &&
      sets.some((matchers) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))),
  );
}

test('a head behind a mask shows the samples that no tombstone selects', () => {
  fc.assert(
    fc.property(appends(200), tombstones, (appended, hidden) => {
      const head = newHead();
      const expected = newHead();
      for (const append of appended) {
        appendTo(head, append);
        if (!isHidden(hidden, MODEL_LABELS[append.series], append.timestampMs)) appendTo(expected, append);
      }
      const mask = new SeriesMask(hidden);
      using selection: HeadSelection = head.select([], -Infinity, Infinity);
      const masked = [...selection.frames(2_000)].map((frame) => maskFrame(frame, mask));
      using rest = expected.select([], -Infinity, Infinity);
      assert.deepEqual(
        readFrames(
          masked.filter((frame) => frame !== undefined),
          -Infinity,
          Infinity,
        ),
        readFrames(rest.frames(), -Infinity, Infinity),
      );
    }),
  );
});

test('a block behind tombstones answers as the block that is written without what they hide', async () => {
  await fc.assert(
    fc.asyncProperty(
      appends(150),
      tombstones,
      fc.array(fc.tuple(matcherSets, bounds), { minLength: 1, maxLength: 3 }),
      async (appended, hidden, reads) => {
        const head = newHead();
        for (const append of appended) appendTo(head, append);
        const source = new PartsInMemory(blockOfHead(head).parts);
        const masked = new BlockReader(identity, source, undefined, hidden);
        const { parts } = await collectBlock(
          mergeBlocks([{ ...identity, source, tombstones: hidden }], signal),
        );
        if (parts.length === 0) {
          assert.deepEqual(await masked.series([], signal), []);
          assert.deepEqual(await masked.labelNames([], signal), []);
          assert.deepEqual(await masked.labelValues('job', [], signal), []);
          return;
        }
        const rewritten = new BlockReader(identity, new PartsInMemory(parts));
        for (const [sets, [startMs, endMs]] of [[[], [-Infinity, Infinity]] as const, ...reads]) {
          const read = async (reader: BlockReader) => {
            const frames: Uint8Array[] = [];
            for await (const frame of reader.select(sets, startMs, endMs, signal)) frames.push(frame);
            return {
              samples: readFrames(frames, startMs, endMs),
              names: await reader.labelNames(sets, signal),
              jobs: await reader.labelValues('job', sets, signal),
              series: (await reader.series(sets, signal)).map(String).sort(compareUtf8),
            };
          };
          assert.deepEqual(await read(masked), await read(rewritten));
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('exemplars that a tombstone hides are not shown, of heads and of blocks', async () => {
  const head = newHead();
  for (const [i, labels] of MODEL_LABELS.slice(0, 6).entries()) {
    const exemplar = { labels: Labels.of({ trace: `t${i}` }), value: i, timestampMs: WINDOW_START_MS + i };
    head.append(slotOf(head, i), WINDOW_START_MS + i, i, i);
    assert.ok(head.appendExemplar(slotOf(head, i), exemplar), labels.toString());
  }
  const hidden: Tombstone = {
    matcherSets: [[new Matcher('=', '__name__', 'up')]],
    startMs: WINDOW_START_MS + 2,
    endMs: WINDOW_START_MS + 4,
  };
  const valuesOf = (found: Iterable<SeriesExemplars>) =>
    [...found].flatMap(({ exemplars }) => exemplars.map(({ value }) => value)).sort();
  const mask = new SeriesMask([hidden]);
  assert.deepEqual(valuesOf(maskExemplars(head.exemplars([], -Infinity, Infinity), mask)), [0, 1, 5]);
  const reader = new BlockReader(identity, new PartsInMemory(blockOfHead(head).parts), undefined, [hidden]);
  assert.deepEqual(valuesOf(await reader.exemplars([], -Infinity, Infinity, signal)), [0, 1, 5]);
});

test('holes that overlap or touch are one', () => {
  const hole = (startMs: number, endMs: number) => ({ startMs, endMs });
  assert.deepEqual(joinHoles([hole(10, 20), hole(0, 3), hole(21, 30), hole(12, 14), hole(5, 8)]), [
    hole(0, 3),
    hole(5, 8),
    hole(10, 30),
  ]);
});

test('a hole that ends before it starts is none: it neither stands between others nor joins them', () => {
  const hole = (startMs: number, endMs: number) => ({ startMs, endMs });
  assert.deepEqual(joinHoles([hole(20, 10)]), []);
  assert.deepEqual(joinHoles([hole(20, 10), hole(0, 15)]), [hole(0, 15)]);
  assert.deepEqual(joinHoles([hole(16, 10), hole(0, 15), hole(25, 5), hole(30, 40)]), [
    hole(0, 15),
    hole(30, 40),
  ]);
});
