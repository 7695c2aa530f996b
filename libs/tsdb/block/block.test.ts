import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareUtf8, Labels, Matcher } from '@xscaler/model';
import fc from 'fast-check';
import { type BlockSummary, writeBlock } from '../block-writing/block-writer.ts';
import type { SeriesExemplars } from '../frame/series-exemplars.ts';
import { Head } from '../head/head.ts';
import {
  type Append,
  appends,
  appendTo,
  bounds,
  HeadModel,
  matcherSets,
  readFrames,
  slotOf,
  TENANT,
  WINDOW_MS,
  WINDOW_START_MS,
  wordsOfId,
} from '../testing/head-model.ts';
import type { BlockPartKind, BlockPartOut } from './block-format.ts';
import { BlockIndexCache } from './block-index-cache.ts';
import { BlockReader } from './block-reader.ts';
import { DamagedBlockError } from './damaged-block-error.ts';

const signal = new AbortController().signal;
const identity = { blockId: 'b-1', partition: 3, fromOffset: 17 };

function newHead(): Head {
  const window = { windowStartMs: WINDOW_START_MS, windowMs: WINDOW_MS };
  return new Head({ tenant: TENANT, partition: 3, seq: 0, fromOffset: 17, ...window });
}

function headOf(appended: readonly Append[]): Head {
  const head = newHead();
  for (const append of appended) appendTo(head, append);
  return head;
}

function write(head: Head): { parts: BlockPartOut[]; summary: BlockSummary } {
  const parts: BlockPartOut[] = [];
  const writing = writeBlock(head);
  for (let step = writing.next(); ; step = writing.next()) {
    if (step.done) return { parts, summary: step.value };
    if (step.value) parts.push(step.value);
  }
}

/** Parts in memory, and how much of them was read. */
class PartSource {
  readonly parts = new Map<string, Uint8Array>();
  bytesRead = 0;

  constructor(parts: readonly BlockPartOut[]) {
    for (const { kind, number, bytes } of parts) this.parts.set(`${kind}/${number}`, bytes);
  }

  async read(kind: BlockPartKind, number: number, offset?: number, length?: number): Promise<Uint8Array> {
    const part = this.parts.get(`${kind}/${number}`);
    if (part === undefined) throw new Error(`no part ${kind}/${number}`);
    const bytes = offset === undefined ? part : part.subarray(offset, offset + (length as number));
    this.bytesRead += bytes.length;
    return bytes.slice();
  }
}

async function collect(frames: AsyncIterable<Uint8Array>): Promise<Uint8Array[]> {
  const collected: Uint8Array[] = [];
  for await (const frame of frames) collected.push(frame);
  return collected;
}

async function readBlock(reader: BlockReader, sets: Matcher[][], startMs: number, endMs: number) {
  return readFrames(await collect(reader.select(sets, startMs, endMs, signal)), startMs, endMs);
}

test('a block says what its head said, under any matchers and bounds', async () => {
  await fc.assert(
    fc.asyncProperty(
      appends(300),
      fc.array(fc.tuple(matcherSets, bounds), { maxLength: 4 }),
      async (appended, reads) => {
        const head = headOf(appended);
        const model = new HeadModel();
        for (const append of appended) model.append(append);
        const { parts, summary } = write(head);
        const { seriesCount, sampleCount, minTimeMs, maxTimeMs } = head;
        assert.deepEqual(
          { ...summary, digest: '' },
          { seriesCount, sampleCount, minTimeMs, maxTimeMs, digest: '' },
        );
        const reader = new BlockReader(identity, new PartSource(parts));
        const everywhere = [[], [-Infinity, Infinity]] as const;
        for (const [sets, [startMs, endMs]] of [everywhere, ...reads]) {
          assert.deepEqual(
            await readBlock(reader, [...sets], startMs, endMs),
            model.read(sets, startMs, endMs),
          );
          assert.deepEqual(await reader.labelNames(sets, signal), head.labelNames(sets));
          assert.deepEqual(await reader.labelValues('job', sets, signal), head.labelValues('job', sets));
          const series = (await reader.series(sets, signal)).map(String);
          assert.deepEqual(series.sort(compareUtf8), head.seriesLabels(sets).map(String).sort(compareUtf8));
        }
      },
    ),
  );
});

test('heads of equal content give equal bytes, and different ones different digests', () => {
  fc.assert(
    fc.property(appends(200), (appended) => {
      const [one, two] = [write(headOf(appended)), write(headOf(appended))];
      assert.deepEqual(one.parts, two.parts);
      assert.equal(one.summary.digest, two.summary.digest);
      // The same series and samples in another order of creation: the content is the same, so the bytes are.
      const [first] = appended;
      const reordered = newHead();
      for (const { series } of appended.toReversed()) slotOf(reordered, series);
      for (const append of appended) appendTo(reordered, append);
      assert.deepEqual(write(reordered).parts, one.parts);
      if (first === undefined) return;
      const other = { ...first, low: first.low ^ 1 };
      assert.notEqual(write(headOf([other, ...appended])).summary.digest, one.summary.digest);
    }),
    { numRuns: 50 },
  );
});

const MANY = Array.from({ length: 9000 }, (_, i) =>
  Labels.of({ __name__: `metric_${i % 20}`, job: `job-${i % 7}`, pod: `pod-${i}`, zone: 'z' }),
);

function manySeries(): Head {
  const head = newHead();
  for (const [i, labels] of MANY.entries()) {
    const [w0, w1, w2, w3] = wordsOfId(labels);
    const slot = head.create(w0, w1, w2, w3, labels);
    for (let step = 0; step < 40; step++)
      head.append(slot, WINDOW_START_MS + step * 30_000 + (i % 500), i * step * 7919, i ^ step);
    if (i % 10 === 0) {
      const exemplar = {
        labels: Labels.of({ trace_id: `trace-${i}` }),
        value: i,
        timestampMs: WINDOW_START_MS + i,
      };
      head.appendExemplar(slot, exemplar);
    }
  }
  return head;
}

test('a block of many parts is read by slices: little for one series, everything for all', async () => {
  const head = manySeries();
  const { parts } = write(head);
  assert.ok(parts.filter(({ kind }) => kind === 'chunks').length > 1);
  assert.ok(parts.every(({ bytes }) => bytes.length <= 1024 * 1024));
  const source = new PartSource(parts);
  const cache = new BlockIndexCache(64 * 1024 * 1024);
  const reader = new BlockReader(identity, source, cache);
  const one = [[new Matcher('=', 'pod', 'pod-4711')]];
  const [found] = await readBlock(reader, one, -Infinity, Infinity);
  assert.equal(found.labels, String(MANY[4711]));
  assert.equal(found.samples.length, 40);
  assert.ok(source.bytesRead < 50_000, `${source.bytesRead} bytes read for one series`);
  assert.ok(cache.byteSize > 0 && cache.byteSize < 200_000, `${cache.byteSize} bytes kept of the index`);
  source.bytesRead = 0;
  await readBlock(reader, one, -Infinity, Infinity);
  assert.ok(source.bytesRead < 12_000, 'the index is kept');

  const frames = await collect(reader.select([], -Infinity, Infinity, signal));
  using selection = head.select([], -Infinity, Infinity);
  assert.deepEqual(
    readFrames(frames, -Infinity, Infinity),
    readFrames(selection.frames(), -Infinity, Infinity),
  );
  assert.deepEqual(await reader.labelValues('pod', [], signal), head.labelValues('pod', []));
});

test('exemplars come back with their series', async () => {
  const head = manySeries();
  const reader = new BlockReader(identity, new PartSource(write(head).parts));
  const sets = [[new Matcher('=', 'job', 'job-3')]];
  const flat = (found: Iterable<SeriesExemplars>) =>
    [...found]
      .map(
        ({ labels, exemplars }) =>
          `${labels} ${exemplars.map((e) => `${e.labels} ${e.value} ${e.timestampMs}`)}`,
      )
      .sort();
  const found = await reader.exemplars(sets, WINDOW_START_MS + 100, WINDOW_START_MS + 3000, signal);
  assert.ok(found.length > 20);
  assert.deepEqual(flat(found), flat(head.exemplars(sets, WINDOW_START_MS + 100, WINDOW_START_MS + 3000)));
});

test('readers that share a small cache stay within it and read what readers of a large one do', async () => {
  const { parts } = write(manySeries());
  const all = new BlockReader(identity, new PartSource(parts));
  const everything = (await all.series([], signal)).map(String);
  for (const maxBytes of [0, 40_000, 300_000]) {
    const cache = new BlockIndexCache(maxBytes);
    const readers = ['b-1', 'b-2', 'b-3'].map(
      (blockId) => new BlockReader({ ...identity, blockId }, new PartSource(parts), cache),
    );
    const answers = await Promise.all(
      readers.flatMap((reader) => [reader.series([], signal), reader.series([], signal)]),
    );
    for (const found of answers) assert.deepEqual(found.map(String), everything);
    const one = [[new Matcher('=', 'pod', 'pod-4711')]];
    for (const reader of readers)
      assert.equal((await readBlock(reader, one, -Infinity, Infinity))[0].labels, String(MANY[4711]));
    assert.ok(cache.byteSize <= maxBytes, `${cache.byteSize} bytes kept, not ${maxBytes}`);
    if (maxBytes > 0) assert.ok(cache.byteSize > maxBytes / 2);
  }
});

test('of a block that many ask for at once the index is read once', async () => {
  const source = new PartSource(write(manySeries()).parts);
  const cache = new BlockIndexCache(64 * 1024 * 1024);
  const readers = [1, 2, 3].map(() => new BlockReader(identity, source, cache));
  await Promise.all(readers.map((reader) => reader.labelNames([], signal)));
  assert.equal(source.bytesRead, (source.parts.get('index/0') as Uint8Array).length);
});

test("a block's bounds take in its exemplars, in a head of exemplars alone too", () => {
  const head = newHead();
  const slot = slotOf(head, 0);
  const exemplarAt = (timestampMs: number) => ({ labels: Labels.EMPTY, value: 1, timestampMs });
  head.appendExemplar(slot, exemplarAt(WINDOW_START_MS + 60_000));
  head.appendExemplar(slot, exemplarAt(WINDOW_START_MS + 2_000));
  const alone = write(head).summary;
  assert.equal(alone.minTimeMs, WINDOW_START_MS + 2_000);
  assert.equal(alone.maxTimeMs, WINDOW_START_MS + 60_000);
  head.append(slot, WINDOW_START_MS + 1_000, 1, 2);
  const both = write(head).summary;
  assert.equal(both.minTimeMs, WINDOW_START_MS + 1_000);
  assert.equal(both.maxTimeMs, WINDOW_START_MS + 60_000);
});

test('any damaged byte is an error that names block and part, or touches nothing that was read', async () => {
  const appended = fc.sample(appends(400), { numRuns: 1, seed: 7 })[0];
  const head = headOf(appended);
  head.appendExemplar(0, { labels: Labels.of({ trace_id: 'x' }), value: 1, timestampMs: WINDOW_START_MS });
  const { parts } = write(head);
  const intact = new BlockReader(identity, new PartSource(parts));
  const expected = await readBlock(intact, [], -Infinity, Infinity);
  assert.ok(expected.length > 5);
  const part = fc.nat(parts.length - 1);
  await fc.assert(
    fc.asyncProperty(
      part,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (which, at, by, cut) => {
        const { kind, number, bytes } = parts[which];
        const source = new PartSource(parts);
        const damaged = cut ? bytes.slice(0, at % bytes.length) : bytes.slice();
        if (!cut) damaged[at % bytes.length] ^= by;
        source.parts.set(`${kind}/${number}`, damaged);
        const reader = new BlockReader(identity, source);
        const reads = [
          async () => assert.deepEqual(await readBlock(reader, [], -Infinity, Infinity), expected),
          () => reader.labelNames([], signal),
          () => reader.labelValues('job', [[new Matcher('=~', 'job', '.+')]], signal),
          () => reader.exemplars([], -Infinity, Infinity, signal),
        ];
        for (const read of reads) {
          try {
            await read();
          } catch (error) {
            assert.ok(error instanceof DamagedBlockError, String(error));
            assert.equal(error.blockId, 'b-1');
            assert.equal(error.kind, kind);
            assert.equal(error.number, number);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("a source's own error and an abort reach the caller, and the next read succeeds", async () => {
  const source = new PartSource(
    write(headOf([{ series: 0, timestampMs: WINDOW_START_MS, low: 1, high: 2 }])).parts,
  );
  const reader = new BlockReader(identity, source);
  const index = source.parts.get('index/0') as Uint8Array;
  source.parts.delete('index/0');
  await assert.rejects(reader.labelNames([], signal), /no part index\/0/);
  source.parts.set('index/0', index);
  await assert.rejects(reader.labelNames([], AbortSignal.abort(new Error('gone'))), /gone/);
  assert.equal((await readBlock(reader, [], -Infinity, Infinity)).length, 1);
});

test('an empty head is a block of an index alone', async () => {
  const { parts, summary } = write(newHead());
  assert.deepEqual(
    parts.map(({ kind }) => kind),
    ['index'],
  );
  assert.equal(summary.seriesCount, 0);
  const reader = new BlockReader(identity, new PartSource(parts));
  assert.deepEqual(await readBlock(reader, [], -Infinity, Infinity), []);
  assert.deepEqual(await reader.series([], signal), []);
});
