import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, Matcher } from '@xscaler/model';
import fc from 'fast-check';
import { BlockReader } from '../block/block-reader.ts';
import type { SeriesCounts } from '../frame/label-counts.ts';
import { blockOfHead, PartsInMemory } from '../testing/block-parts.ts';
import { TENANT, WINDOW_MS, WINDOW_START_MS, wordsOfId } from '../testing/head-model.ts';
import { SeriesMask, type Tombstone } from '../tombstone/tombstones.ts';
import { Head } from './head.ts';
import { countHeadLabels } from './head-label-counts.ts';

const signal = new AbortController().signal;

/** A sample of a series, by the head that it goes to. */
interface Written {
  readonly head: number;
  readonly labels: Labels;
  readonly offsetMs: number;
}

const labelSets = fc
  .record({
    __name__: fc.constantFrom('a', 'b'),
    host: fc.constantFrom('', '1', '2', '3'),
    zone: fc.constantFrom('', 'x'),
  })
  .map((labels) =>
    Labels.fromSorted(
      Object.entries(labels)
        .filter(([, value]) => value !== '')
        .flat(),
    ),
  );
const writes: fc.Arbitrary<Written[]> = fc.array(
  fc.record({ head: fc.nat(2), labels: labelSets, offsetMs: fc.nat(WINDOW_MS - 1) }),
  { maxLength: 60 },
);
const selectors = fc.constantFrom<Matcher[][]>(
  [],
  [[new Matcher('=', '__name__', 'a')]],
  [[new Matcher('!=', 'host', '1')], [new Matcher('=~', 'zone', '.+')]],
);
const sinces = fc.integer({ min: -1, max: 3 * WINDOW_MS }).map((offsetMs) => WINDOW_START_MS + offsetMs);

function headsOf(written: readonly Written[]): Head[] {
  const heads = [0, 1, 2].map((i) => {
    const windowStartMs = WINDOW_START_MS + i * WINDOW_MS;
    return new Head({
      tenant: TENANT,
      partition: 3,
      windowStartMs,
      windowMs: WINDOW_MS,
      seq: i,
      fromOffset: i,
    });
  });
  for (const { head: i, labels, offsetMs } of written) {
    const head = heads[i];
    head.append(slotOf(head, labels), head.windowStartMs + offsetMs, 0, 0);
  }
  return heads;
}

function slotOf(head: Head, labels: Labels): number {
  const [w0, w1, w2, w3] = wordsOfId(labels);
  const slot = head.find(w0, w1, w2, w3);
  return slot >= 0 ? slot : head.create(w0, w1, w2, w3, labels);
}

function readerOf(head: Head, tombstones: readonly Tombstone[] = []): BlockReader {
  const source = new PartsInMemory(blockOfHead(head).parts);
  return new BlockReader({ blockId: 'b-1', partition: 3, fromOffset: 0 }, source, undefined, tombstones);
}

function isSelected(sets: readonly (readonly Matcher[])[], labels: Labels): boolean {
  return (
    sets.length === 0 || sets.some((set) => set.every((matcher) => matcher.matches(labels.get(matcher.name))))
  );
}

/** The same counts from the samples themselves. */
function expectedCounts(
  written: readonly Written[],
  sets: readonly (readonly Matcher[])[],
  sinceMs: number,
  names: ReadonlySet<string> | undefined,
): Map<string, number> {
  const series = new Map<string, Labels>();
  for (const { head, labels, offsetMs } of written) {
    const timeMs = WINDOW_START_MS + head * WINDOW_MS + offsetMs;
    if (timeMs >= sinceMs && isSelected(sets, labels)) series.set(labels.key, labels);
  }
  const counts = new Map<string, number>();
  for (const labels of series.values()) {
    for (const [name, value] of labels) {
      if (names !== undefined && !names.has(name)) continue;
      counts.set(`${name}=${value}`, (counts.get(`${name}=${value}`) ?? 0) + 1);
    }
  }
  return counts.set('', series.size);
}

function flat({ seriesCount, labels }: SeriesCounts): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { name, values, seriesCounts } of labels) {
    assert.ok(values.length > 0);
    for (const [i, value] of values.entries()) counts.set(`${name}=${value}`, seriesCounts[i]);
  }
  return counts.set('', seriesCount);
}

function finished<T>(counting: Generator<void, T, void>): T {
  for (;;) {
    const step = counting.next();
    if (step.done) return step.value;
  }
}

const wantedNames = fc.option(fc.constantFrom(new Set(['host']), new Set(['zone', 'nothing'])), {
  nil: undefined,
});

test('series of several heads are counted once, those without a sample since then are not', () => {
  fc.assert(
    fc.property(writes, selectors, sinces, wantedNames, (written, sets, sinceMs, names) => {
      const heads = headsOf(written).map((head) => ({ head, mask: undefined }));
      const counted = finished(countHeadLabels(heads, sets, sinceMs, names));
      assert.deepEqual(flat(counted), expectedCounts(written, sets, sinceMs, names));
    }),
    { numRuns: 500 },
  );
});

test('one head without a selector is counted by its postings alone', () => {
  fc.assert(
    fc.property(writes, (written) => {
      const own = written.map((one) => ({ ...one, head: 0 }));
      const [head] = headsOf(own);
      const counted = finished(countHeadLabels([{ head, mask: undefined }], [], WINDOW_START_MS, undefined));
      assert.deepEqual(flat(counted), expectedCounts(own, [], WINDOW_START_MS, undefined));
    }),
  );
});

test('what is hidden is not counted, in heads and in blocks', async () => {
  const hidden: Tombstone[] = [
    { matcherSets: [[new Matcher('=', 'host', '1')]], startMs: 0, endMs: Number.MAX_SAFE_INTEGER },
  ];
  await fc.assert(
    fc.asyncProperty(writes, selectors, async (written, sets) => {
      const own = written.map((one) => ({ ...one, head: 0 }));
      const [head] = headsOf(own);
      const left = own.filter(({ labels }) => labels.get('host') !== '1');
      const expected = expectedCounts(left, sets, WINDOW_START_MS, undefined);
      const mask = new SeriesMask(hidden);
      assert.deepEqual(
        flat(finished(countHeadLabels([{ head, mask }], sets, WINDOW_START_MS, undefined))),
        expected,
      );
      if (own.length === 0) return;
      assert.deepEqual(flat(await readerOf(head, hidden).labelCounts(sets, undefined, signal)), expected);
    }),
  );
});

test('a block is counted as its head', async () => {
  await fc.assert(
    fc.asyncProperty(writes, selectors, wantedNames, async (written, sets, names) => {
      const own = written.map((one) => ({ ...one, head: 0 }));
      const [head] = headsOf(own);
      assert.deepEqual(
        flat(await readerOf(head).labelCounts(sets, names, signal)),
        expectedCounts(own, sets, WINDOW_START_MS, names),
      );
    }),
  );
});
