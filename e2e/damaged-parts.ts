import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BlockMeta,
  type BlockPart,
  type Database,
  SqlBlockStore,
  SqlDeletionStore,
} from '@xscaler/database';
import {
  ByteWriter,
  type HistogramFields,
  writeHistogramCounts,
  writeHistogramLayout,
} from '@xscaler/encoding';
import { Labels, Matcher, SampleColumns } from '@xscaler/model';
import { BlockReader, DamagedBlockError, Head, SeriesMerger, writeBlock } from '@xscaler/tsdb';
import fc from 'fast-check';

/** Enough for leaves of directories, which are parts of the index other than the first. */
const SERIES = 5000;
const SAMPLES = 8;
const WINDOW_MS = 7_200_000;
const RUNS_A_PART = 5;
const TENANT = 'team';
const { signal } = new AbortController();

type Place = 'b-0' | 'b-1';
type Read = (reader: BlockReader) => Promise<unknown>;

/** What is asked of a block: selections that touch a few pages of it or many, and every kind of lookup. */
const READS: readonly Read[] = [
  ...[0, 1234, 4999].map(
    (pod): Read =>
      (reader) =>
        samplesOf(reader, new Matcher('=', 'pod', `pod-${pod}`)),
  ),
  (reader) => samplesOf(reader, new Matcher('=', '__name__', 'latency')),
  (reader) => samplesOf(reader, new Matcher('=~', 'pod', 'pod-4.*')),
  (reader) => reader.labelNames([], signal),
  (reader) => reader.labelNames([[new Matcher('=', 'job', 'job-3')]], signal),
  (reader) => reader.labelValues('pod', [], signal),
  (reader) => reader.labelValues('job', [[new Matcher('=~', 'pod', 'pod-1.*')]], signal),
  (reader) => reader.labelCounts([], new Set(['job']), signal),
  async (reader) => (await reader.series([[new Matcher('=', 'job', 'job-5')]], signal)).map(String),
  async (reader) => {
    const found = await reader.exemplars([], -Infinity, Infinity, signal);
    return found.map(({ labels, exemplars }) => [String(labels), exemplars]);
  },
];

export interface DatabaseUnderTest {
  readonly db: Database;
  dispose(): Promise<void>;
}

/** What a block store and its readers promise if bytes of a block have changed. `open` makes a migrated database. */
export function damagedPartsContract(name: string, open: () => Promise<DatabaseUnderTest>): void {
  test(`${name}: whatever bit of a block is flipped, or cut off, a read has the right answer or names block and part`, async () => {
    const { db, dispose } = await open();
    try {
      const store = new SqlBlockStore(db);
      const parts = await storeBlocks(store);
      const kinds = new Set(parts.map(({ kind }) => kind));
      assert.deepEqual([...kinds].sort(), ['chunks', 'exemplars', 'index', 'postings', 'series', 'symbols']);
      assert.ok(parts.some(({ kind, number }) => kind === 'index' && number > 0));
      const right = await answersOf(store, 'b-0');
      assert.ok(right.every((answer) => !(answer instanceof Error)));
      const [firstRead] = READS;
      for (const part of parts) {
        const isIndex = part.kind === 'index' && part.number === 0;
        await fc.assert(
          fc.asyncProperty(fc.nat(8 * part.bytes.length - 1), fc.boolean(), async (bit, cuts) => {
            await replace(db, part, damaged(part.bytes, bit, cuts));
            const answers = await answersOf(store, 'b-0');
            for (const [i, answer] of answers.entries()) {
              if (!(answer instanceof Error)) assert.deepEqual(answer, right[i], `read ${i}`);
              else requireNamed(answer, part);
            }
            const isReadable = answers.some((answer) => !(answer instanceof Error));
            assert.ok(isIndex || isReadable, 'nothing is left to read');
            assert.deepEqual(await firstRead(readerOf(store, 'b-1')), right[0], 'another block');
          }),
          { numRuns: RUNS_A_PART },
        );
        await replace(db, part, part.bytes);
      }
      assert.deepEqual(await answersOf(store, 'b-0'), right);
    } finally {
      await dispose();
    }
  });

  test(`${name}: a deletion whose matchers are damaged is named, and nothing is read as if it were not there`, async () => {
    const { db, dispose } = await open();
    try {
      for (const tenant of [TENANT, 'other']) {
        const matcherSets = [[{ type: '=' as const, name: 'job', value: 'job-1' }]];
        const deletion = {
          deletionId: `of-${tenant}`,
          tenant,
          requestedMs: 0,
          startMs: 0,
          endMs: 1,
          matcherSets,
        };
        await new SqlDeletionStore(db).hide(deletion, new Map([[0, 5]]));
      }
      await db.query("UPDATE deletions SET matchers = substr(matchers, 1, 9) WHERE tenant = 'team'");
      const store = new SqlBlockStore(db);
      await assert.rejects(store.tombstones(TENANT, 0, 10), /matchers of deletion of-team/);
      assert.equal((await store.tombstones('other', 0, 10)).length, 1);
    } finally {
      await dispose();
    }
  });
}

/** The bytes with a bit flipped, or without those from the bit's on. */
function damaged(bytes: Uint8Array, bit: number, cuts: boolean): Uint8Array<ArrayBuffer> {
  const at = bit >>> 3;
  if (cuts) return bytes.slice(0, at);
  const flipped = bytes.slice();
  flipped[at] ^= 1 << (bit & 7);
  return flipped;
}

function requireNamed(error: Error, { kind, number }: BlockPart): void {
  assert.ok(error instanceof DamagedBlockError, String(error.stack));
  assert.deepEqual([error.blockId, error.kind, error.number], ['b-0', kind, number]);
  assert.match(error.message, new RegExp(`block b-0, ${kind} ${number}: `));
}

async function replace(db: Database, { kind, number }: BlockPart, bytes: Uint8Array): Promise<void> {
  await db.query("UPDATE block_parts SET bytes = $1 WHERE block_id = 'b-0' AND kind = $2 AND number = $3", [
    bytes,
    kind,
    number,
  ]);
}

/** Every read's answer or error, each of them cold. */
async function answersOf(store: SqlBlockStore, blockId: Place): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const read of READS) {
    answers.push(await read(readerOf(store, blockId)).catch((error: unknown) => error));
  }
  return answers;
}

function readerOf(store: SqlBlockStore, blockId: Place): BlockReader {
  const source = { read: store.readPart.bind(store, blockId) };
  return new BlockReader({ blockId, partition: 0, fromOffset: 0 }, source);
}

async function samplesOf(reader: BlockReader, matcher: Matcher): Promise<unknown> {
  const merger = new SeriesMerger();
  for await (const frame of reader.select([[matcher]], -Infinity, Infinity, signal)) merger.addFrame(frame);
  const columns = new SampleColumns();
  return merger.finish(-Infinity, Infinity).map((series) => {
    columns.reset();
    series.read(columns);
    const { length, timestamps, values, histograms } = columns;
    return [
      String(series.labels),
      [...timestamps.slice(0, length)],
      [...values.slice(0, length)],
      histograms,
    ];
  });
}

/** Stores the same block twice, as that of two windows; its parts. */
async function storeBlocks(store: SqlBlockStore): Promise<BlockPart[]> {
  const parts: BlockPart[] = [];
  const writing = writeBlock(filledHead());
  let step = writing.next();
  for (; !step.done; step = writing.next()) if (step.value) parts.push(step.value);
  for (const [seq, blockId] of (['b-0', 'b-1'] as const).entries()) {
    await store.stage(blockId, TENANT, parts);
    const meta: BlockMeta = {
      ...{ blockId, tenant: TENANT, partition: 0, level: 0, seq, fromOffset: seq, toOffset: seq },
      ...{ windowStartMs: 0, windowMs: WINDOW_MS, ...step.value },
    };
    const move = { partition: 0, expectedResumeOffset: seq, resumeOffset: seq + 1 };
    await store.commit({ meta, partCount: parts.length, ...move, metadata: [] });
  }
  return parts;
}

/** Counters, gauges of any doubles, native histograms with start timestamps, exemplars. */
function filledHead(): Head {
  const place = {
    tenant: TENANT,
    partition: 0,
    windowStartMs: 0,
    windowMs: WINDOW_MS,
    seq: 0,
    fromOffset: 0,
  };
  const head = new Head(place);
  const value = new Float64Array(1);
  const words = new Int32Array(value.buffer);
  for (let i = 0; i < SERIES; i++) {
    const name = i % 100 === 0 ? 'latency' : `metric_${i % 7}`;
    const labels = Labels.of({ __name__: name, job: `job-${i % 13}`, pod: `pod-${i}` });
    const slot = head.create(i, 1, 2, 3, labels);
    for (let step = 0; step < SAMPLES; step++) {
      const timestampMs = step * 15_000 + (i % 500);
      value[0] = i % 3 === 0 ? Math.sin(i + step) : i * step;
      if (i % 100 !== 0) head.append(slot, timestampMs, words[0], words[1]);
      else head.appendNoted(slot, timestampMs, words[0], words[1], 1, histogramOf(step));
    }
    if (i % 10 === 0)
      head.appendExemplar(slot, { labels: Labels.of({ trace: `${i}` }), value: i, timestampMs: 500 });
  }
  return head;
}

function histogramOf(step: number) {
  const histogram: HistogramFields = {
    ...{ isInteger: true, schema: 3, zeroThreshold: 2 ** -128, count: 3 * step, zeroCount: step, sum: 0 },
    positiveSpans: [{ offset: -2, length: 2 }],
    positiveBuckets: [step, step],
    ...{ negativeSpans: [], negativeBuckets: [], customValues: [], counterResetHint: 'unknown' },
  };
  const writer = new ByteWriter(64);
  writeHistogramLayout(writer, histogram, true);
  const layoutEnd = writer.length;
  writeHistogramCounts(writer, histogram, true);
  const bytes = writer.take();
  return { bytes, layoutStart: 0, layoutEnd, countsStart: layoutEnd, countsEnd: bytes.length };
}
