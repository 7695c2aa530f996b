import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Exemplar, exemplarKey, Labels, Matcher } from '@xscaler/model';
import fc from 'fast-check';
import { BlockReader } from '../block/block-reader.ts';
import { mergeBlocks } from '../block-merging/block-merge.ts';
import type { SeriesExemplars } from '../frame/series-exemplars.ts';
import { blockOfHead, collectBlock, PartsInMemory, type WrittenBlock } from '../testing/block-parts.ts';
import version2 from '../testing/block-version-2.json' with { type: 'json' };
import { MODEL_LABELS, slotOf, TENANT, WINDOW_MS, WINDOW_START_MS } from '../testing/head-model.ts';
import type { Tombstone } from '../tombstone/tombstones.ts';
import { Head } from './head.ts';

const { signal } = new AbortController();
const MINUTE_MS = 60_000;

function headOf(window: number, fromOffset: number): Head {
  const windowStartMs = WINDOW_START_MS + window * WINDOW_MS;
  return new Head({
    tenant: TENANT,
    partition: 3,
    windowStartMs,
    windowMs: WINDOW_MS,
    seq: fromOffset,
    fromOffset,
  });
}

function identityOf(fromOffset: number) {
  return { blockId: `b-${fromOffset}`, partition: 3, fromOffset };
}

function readerOf({ parts }: WrittenBlock, tombstones: readonly Tombstone[] = []): BlockReader {
  return new BlockReader(identityOf(0), new PartsInMemory(parts), undefined, tombstones);
}

function mergedOf(
  blocks: readonly WrittenBlock[],
  tombstones: readonly Tombstone[] = [],
): Promise<WrittenBlock> {
  const inputs = blocks.map(({ parts }, i) => ({
    ...identityOf(i),
    source: new PartsInMemory(parts),
    tombstones,
  }));
  return collectBlock(mergeBlocks(inputs, signal));
}

/** By the series' labels, each exemplar as text, in the order in which they were found. */
function textsOf(found: Iterable<SeriesExemplars>): Record<string, string[]> {
  return Object.fromEntries(
    [...found].map(({ labels, exemplars }) => [labels.toString(), exemplars.map(exemplarKey)]),
  );
}

const ALL = [[], Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;
const traceOf = (series: number, minute: number): Exemplar => ({
  labels: Labels.of({ span_id: `${minute}`, trace_id: `${series}/${minute}` }),
  value: minute / 7,
  timestampMs: WINDOW_START_MS + minute * MINUTE_MS,
});

test('a trail of one exemplar a minute for three hours comes back whole, over windows, cuts, blocks and a merge', async () => {
  const trail = Array.from({ length: 180 }, (_, minute) => minute);
  const SERIES = [0, 7, 23, 41];
  // The second window was cut after half an hour, and some of the first came late: four heads.
  const heads = [headOf(0, 0), headOf(1, 1), headOf(1, 2), headOf(0, 3)];
  const headAt = (minute: number) =>
    minute % 50 === 49 && minute < 120 ? 3 : minute < 120 ? 0 : minute < 150 ? 1 : 2;
  for (const minute of trail) {
    for (const series of SERIES) {
      const head = heads[headAt(minute)];
      head.append(slotOf(head, series), WINDOW_START_MS + minute * MINUTE_MS, minute, series);
      assert.ok(head.appendExemplar(slotOf(head, series), traceOf(series, minute)));
      assert.ok(!head.appendExemplar(slotOf(head, series), traceOf(series, minute)), 'once more');
    }
  }
  const expected = Object.fromEntries(
    SERIES.map((series) => [
      MODEL_LABELS[series].toString(),
      trail.map((minute) => exemplarKey(traceOf(series, minute))),
    ]),
  );
  const blocks = heads.map(blockOfHead);
  const merged = await mergedOf(blocks);
  assert.deepEqual(textsOf(await readerOf(merged).exemplars(...ALL, signal)), expected);
  const again = await mergedOf([merged, ...blocks]);
  assert.deepEqual(
    textsOf(await readerOf(again).exemplars(...ALL, signal)),
    expected,
    'merged with what it has',
  );
  assert.equal(merged.summary.maxTimeMs, WINDOW_START_MS + 179 * MINUTE_MS);
});

const exemplar: fc.Arbitrary<{ head: number; series: number; one: Exemplar }> = fc
  .record({
    head: fc.nat(2),
    series: fc.nat(5),
    minute: fc.oneof(fc.nat(119), fc.constantFrom(0, 14, 15, 16)),
    labels: fc.constantFrom(Labels.EMPTY, Labels.of({ t: 'a' }), Labels.of({ t: 'ä', größe: '1' })),
    value: fc.constantFrom(0, -0, 1, Number.NaN, Number.POSITIVE_INFINITY),
  })
  .map(({ head, series, minute, labels, value }) => ({
    head,
    series,
    one: { labels, value, timestampMs: WINDOW_START_MS + minute * MINUTE_MS },
  }));
const span = fc
  .tuple(fc.integer({ min: -10, max: 125 }), fc.nat(60))
  .map(([from, length]) => [from, from + length].map((minute) => WINDOW_START_MS + minute * MINUTE_MS));

test('heads, blocks and their merge have each exemplar once, by time, within the bounds and outside of what is deleted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(exemplar, { maxLength: 80 }), span, span, async (given, bounds, hole) => {
      const heads = [0, 1, 2].map((i) => headOf(0, i));
      for (const { head, series, one } of given) heads[head].appendExemplar(slotOf(heads[head], series), one);
      const deleted: Tombstone = {
        matcherSets: [[new Matcher('=', 'job', 'api')]],
        startMs: hole[0],
        endMs: hole[1],
      };
      const expected = (of: number | undefined, isMasked: boolean) => {
        const found: Record<string, Map<string, Exemplar>> = {};
        for (const { head, series, one } of given) {
          if (of !== undefined && head !== of) continue;
          const { timestampMs: at } = one;
          const labels = MODEL_LABELS[series];
          if (at < bounds[0] || at > bounds[1]) continue;
          if (isMasked && labels.get('job') === 'api' && at >= hole[0] && at <= hole[1]) continue;
          found[labels.toString()] ??= new Map();
          found[labels.toString()].set(exemplarKey(one), one);
        }
        return sorted(Object.entries(found).map(([labels, byKey]) => [labels, [...byKey.values()]]));
      };
      const sorted = (entries: readonly (readonly [string, readonly Exemplar[]])[]) =>
        Object.fromEntries(entries.map(([labels, of]) => [labels, of.map(exemplarKey).sort()]));
      const show = (given: Iterable<SeriesExemplars>) => {
        const found = [...given];
        for (const { exemplars } of found) {
          const times = exemplars.map(({ timestampMs }) => timestampMs);
          assert.deepEqual(
            times,
            times.toSorted((a, b) => a - b),
          );
        }
        return sorted(found.map(({ labels, exemplars }) => [labels.toString(), exemplars]));
      };
      const blocks = heads.map(blockOfHead);
      for (const [i, head] of heads.entries()) {
        assert.deepEqual(show(head.exemplars([], bounds[0], bounds[1])), expected(i, false), 'a head');
        const reader = readerOf(blocks[i], [deleted]);
        assert.deepEqual(
          show(await reader.exemplars([], bounds[0], bounds[1], signal)),
          expected(i, true),
          'a block',
        );
      }
      const merged = await mergedOf(blocks, [deleted]);
      if (merged.parts.length === 0) return;
      const reader = readerOf(merged);
      assert.deepEqual(
        show(await reader.exemplars([], bounds[0], bounds[1], signal)),
        expected(undefined, true),
        'a merge',
      );
    }),
    { numRuns: 150 },
  );
});

test('a block of very many exemplars of one series and of many series is read by pages, and little of it for a few minutes', async () => {
  const head = headOf(0, 0);
  const add = (series: number, i: number, count: number) =>
    head.appendExemplar(slotOf(head, series), {
      labels: Labels.of({ trace_id: `${series}-${i}`.padStart(32, '0') }),
      value: i,
      timestampMs: WINDOW_START_MS + Math.floor((i * WINDOW_MS) / count),
    });
  for (let i = 0; i < 30_000; i++) add(1, i, 30_000);
  for (let series = 0; series < 40; series++) for (let i = 0; i < 500; i++) add(series, i + 50_000, 60_000);
  const block = blockOfHead(head);
  const bytesOf = (kind: string) =>
    block.parts.filter((part) => part.kind === kind).reduce((sum, { bytes }) => sum + bytes.length, 0);
  const source = new PartsInMemory(block.parts);
  let exemplarBytes = 0;
  const reader = new BlockReader(identityOf(0), {
    async read(kind, number, offset, length) {
      const bytes = await source.read(kind, number, offset, length);
      if (kind === 'exemplars') exemplarBytes += bytes.length;
      return bytes;
    },
  });
  assert.deepEqual(textsOf(await reader.exemplars(...ALL, signal)), textsOf(head.exemplars(...ALL)));
  exemplarBytes = 0;
  const few = [
    [[new Matcher('=', '__name__', 'up')]],
    WINDOW_START_MS,
    WINDOW_START_MS + 5 * MINUTE_MS,
  ] as const;
  assert.deepEqual(textsOf(await reader.exemplars(...few, signal)), textsOf(head.exemplars(...few)));
  assert.ok(exemplarBytes < bytesOf('exemplars') / 4, `${exemplarBytes} of ${bytesOf('exemplars')} bytes`);
  const merged = await mergedOf([block, block]);
  assert.deepEqual(
    textsOf(await readerOf(merged).exemplars(...ALL, signal)),
    textsOf(head.exemplars(...ALL)),
  );
});

/** What `version2` was made of: of two series the ten youngest of twelve exemplars. */
const OF_VERSION_2 = Object.fromEntries(
  [0, 1].map((series) => [
    MODEL_LABELS[series].toString(),
    Array.from({ length: 10 }, (_, i) => exemplarKey(ofVersion2(series, i + 2))),
  ]),
);

function ofVersion2(series: number, i: number): Exemplar {
  const timestampMs = WINDOW_START_MS + i * 600_000 + series;
  return { labels: Labels.of({ trace_id: `t${series}-${i}` }), value: i, timestampMs };
}

const WRITTEN_BEFORE = {
  summary: version2.summary,
  parts: version2.parts.map((part) => ({
    ...part,
    bytes: new Uint8Array(Buffer.from(part.bytes, 'base64')),
  })),
} as WrittenBlock;

test('a block of version 2 is read, and merged with one of version 3', async () => {
  assert.equal(WRITTEN_BEFORE.parts.at(-1)?.bytes[0], 2);
  const reader = readerOf(WRITTEN_BEFORE);
  assert.deepEqual(textsOf(await reader.exemplars(...ALL, signal)), OF_VERSION_2);
  const [startMs, endMs] = [WINDOW_START_MS + 3 * 600_000, WINDOW_START_MS + 4 * 600_000];
  assert.deepEqual(textsOf(await reader.exemplars([], startMs, endMs, signal)), {
    [MODEL_LABELS[0].toString()]: [exemplarKey(ofVersion2(0, 3)), exemplarKey(ofVersion2(0, 4))],
    [MODEL_LABELS[1].toString()]: [exemplarKey(ofVersion2(1, 3))],
  });
  const head = headOf(0, 1);
  head.appendExemplar(slotOf(head, 1), traceOf(1, 25));
  head.appendExemplar(slotOf(head, 2), traceOf(2, 25));
  const merged = await mergedOf([WRITTEN_BEFORE, blockOfHead(head)]);
  const found = textsOf(await readerOf(merged).exemplars(...ALL, signal));
  const second = [...OF_VERSION_2[MODEL_LABELS[1].toString()]];
  second.splice(1, 0, exemplarKey(traceOf(1, 25)));
  assert.deepEqual(found, {
    ...OF_VERSION_2,
    [MODEL_LABELS[1].toString()]: second,
    [MODEL_LABELS[2].toString()]: [exemplarKey(traceOf(2, 25))],
  });
});

test('of records that older releases write a head has the exemplars, and the digest, that it has with them', () => {
  const head = headOf(0, 1);
  for (let series = 0; series < 3; series++) {
    for (let i = 0; i < 12; i++) {
      const timestampMs = WINDOW_START_MS + i * 600_000 + series;
      head.append(slotOf(head, series), timestampMs, i, series);
      if (series < 2) head.appendYoungestExemplar(slotOf(head, series), ofVersion2(series, i));
    }
  }
  assert.deepEqual(textsOf(head.exemplars(...ALL)), OF_VERSION_2);
  assert.deepEqual(blockOfHead(head).summary, WRITTEN_BEFORE.summary);
  // With a newer record there is both what is kept of the older ones and all of that one.
  for (let i = 0; i < 12; i++) head.appendExemplar(slotOf(head, 0), ofVersion2(0, i));
  const first = Array.from({ length: 12 }, (_, i) => exemplarKey(ofVersion2(0, i)));
  const expected = { ...OF_VERSION_2, [MODEL_LABELS[0].toString()]: first };
  assert.deepEqual(textsOf(head.exemplars(...ALL)), expected);
});

test('a block without exemplars is of version 2, which programs of before can read', () => {
  const head = headOf(0, 0);
  head.append(slotOf(head, 0), WINDOW_START_MS, 1, 2);
  assert.equal(blockOfHead(head).parts.find(({ kind }) => kind === 'index')?.bytes[0], 2);
  head.appendExemplar(slotOf(head, 0), traceOf(0, 1));
  assert.equal(blockOfHead(head).parts.find(({ kind }) => kind === 'index')?.bytes[0], 3);
});
