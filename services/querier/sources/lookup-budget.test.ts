import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockMeta, BlockPart, BlockStore } from '@xscaler/database';
import { Labels, Matcher } from '@xscaler/model';
import { Head, writeBlock } from '@xscaler/tsdb';
import { ApiError } from '../answer/api-error.ts';
import { BlockReaders } from './block-readers.ts';
import { FanOut } from './fan-out.ts';
import { LookupBudget } from './lookup-budget.ts';

const TENANT = 'demo';
const SERIES = 3000;
const { signal } = new AbortController();
const NO_LIMITS = { max_fetched_series_per_query: 0, max_estimated_memory_consumption_per_query: 0 };
const SCOPE = {
  tenant: TENANT,
  startMs: 0,
  endMs: 999,
  minOffsets: undefined,
  commits: new Map(),
  requestId: 'a',
};
const EVERYTHING = [[new Matcher('=', '__name__', 'up')]];

const podOf = (number: number) => `pod-${String(number).padStart(5, '0')}`;

/** The parts of a block with `SERIES` pods, from a number on. */
function partsFrom(first: number): BlockPart[] {
  const place = { tenant: TENANT, partition: 0, windowStartMs: 0, windowMs: 1_000, seq: 0, fromOffset: 0 };
  const head = new Head(place);
  for (let number = first; number < first + SERIES; number++) {
    const labels = Labels.of({ __name__: 'up', pod: podOf(number) });
    const slot = head.create(number, 1, 2, 3, labels);
    head.append(slot, 100, 0, 0);
    head.appendExemplar(slot, { labels: Labels.of({ trace_id: podOf(number) }), value: 1, timestampMs: 100 });
  }
  return [...writeBlock(head)].filter((part) => part !== undefined);
}

/** Blocks whose series overlap by all but `apart` of each. */
class Blocks {
  readonly #blocks: readonly BlockPart[][];
  bytesRead = 0;

  constructor(count: number, apart: number) {
    this.#blocks = Array.from({ length: count }, (_, i) => partsFrom(i * apart));
  }

  fanOut(): FanOut {
    const store: Pick<BlockStore, 'lastCommits' | 'list' | 'tombstones' | 'readPart'> = {
      lastCommits: async () => new Map(),
      list: async () => this.#blocks.map((_, i) => metaOf(i)),
      tombstones: async () => [],
      readPart: async (blockId, kind, number, offset = 0, length) => {
        const part = this.#blocks[Number(blockId)].find((one) => one.kind === kind && one.number === number);
        assert.ok(part !== undefined);
        const bytes = length === undefined ? part.bytes : part.bytes.slice(offset, offset + length);
        this.bytesRead += bytes.length;
        return bytes;
      },
    };
    return new FanOut([], store as BlockStore, new BlockReaders(store as BlockStore, 1e8, 1e8));
  }
}

function metaOf(number: number): BlockMeta {
  return {
    ...{ blockId: String(number), tenant: TENANT, partition: 0, level: 0, seq: 0, digest: '' },
    ...{ windowStartMs: 0, windowMs: 1_000, fromOffset: number, toOffset: number },
    ...{ minTimeMs: 100, maxTimeMs: 100, seriesCount: SERIES, sampleCount: SERIES },
  };
}

function exceeds(limit: string) {
  return (error: unknown) =>
    error instanceof ApiError && error.errorType === 'execution' && error.message.includes(limit);
}

test('a limit takes the first of all blocks, and one more, without reading all of them', async () => {
  const blocks = new Blocks(3, 1);
  const first = Array.from({ length: 6 }, (_, i) => podOf(i));
  const budget = () => new LookupBudget(NO_LIMITS, 5);
  const series = await blocks.fanOut().series(SCOPE, EVERYTHING, budget(), signal);
  assert.deepEqual(
    series.map((labels) => labels.get('pod')),
    first,
  );
  const forSeries = blocks.bytesRead;
  assert.deepEqual(await blocks.fanOut().labelValues(SCOPE, 'pod', [], budget(), signal), first);
  assert.deepEqual(await blocks.fanOut().labelValues(SCOPE, 'pod', EVERYTHING, budget(), signal), first);
  blocks.bytesRead = 0;
  const all = await blocks.fanOut().series(SCOPE, EVERYTHING, new LookupBudget(NO_LIMITS), signal);
  assert.equal(all.length, SERIES + 2);
  assert.ok(blocks.bytesRead > 4 * forSeries, `${forSeries} of ${blocks.bytesRead} bytes`);
});

test('series are counted once, however many blocks have them, and are bounded', async () => {
  const limits = { ...NO_LIMITS, max_fetched_series_per_query: SERIES + 2 };
  const lookup = (blocks: Blocks) =>
    blocks.fanOut().series(SCOPE, EVERYTHING, new LookupBudget(limits), signal);
  assert.equal((await lookup(new Blocks(3, 1))).length, SERIES + 2);
  await assert.rejects(lookup(new Blocks(4, 1)), exceeds(`max_fetched_series_per_query (${SERIES + 2})`));
});

test('exemplars are bounded by the series that have them and by what they hold', async () => {
  const exemplars = (blocks: Blocks, limits: Partial<typeof NO_LIMITS>) =>
    blocks.fanOut().exemplars(SCOPE, EVERYTHING, new LookupBudget({ ...NO_LIMITS, ...limits }), signal);
  const found = await exemplars(new Blocks(3, 1), { max_fetched_series_per_query: SERIES + 2 });
  assert.deepEqual([found.length, found[7].exemplars.length], [SERIES + 2, 1]);
  const above = { max_fetched_series_per_query: SERIES + 1 };
  await assert.rejects(exemplars(new Blocks(3, 1), above), exceeds('max_fetched_series_per_query'));
  const blocks = new Blocks(5, SERIES);
  const bytes = { max_estimated_memory_consumption_per_query: 200_000 };
  await assert.rejects(exemplars(blocks, bytes), exceeds('max_estimated_memory_consumption_per_query'));
});

test('what a lookup holds is bounded, of blocks that say the same and of those that differ', async () => {
  const limits = { ...NO_LIMITS, max_estimated_memory_consumption_per_query: 300_000 };
  const same = new Blocks(5, 0);
  const different = new Blocks(5, SERIES);
  const values = (blocks: Blocks) =>
    blocks.fanOut().labelValues(SCOPE, 'pod', [], new LookupBudget(limits), signal);
  assert.equal((await values(same)).length, SERIES);
  const isOver = exceeds('max_estimated_memory_consumption_per_query (300000)');
  await assert.rejects(values(different), isOver);
  const counts = (blocks: Blocks) =>
    blocks.fanOut().counts(SCOPE, [], undefined, new LookupBudget(limits), signal);
  assert.equal((await counts(new Blocks(1, 0))).blocks.length, 1);
  await assert.rejects(counts(different), isOver);
  const series = different.fanOut().series(SCOPE, EVERYTHING, new LookupBudget(limits), signal);
  await assert.rejects(series, isOver);
});
