import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, type SampleColumns } from '@xscaler/model';
import type { Queryable, Series } from '@xscaler/storage';
import { encodeResult, evaluateInstant, evaluateRange, LimitError, QueryCancelledError } from '../index.ts';
import type { Cancellation } from '../vectors/cancellation.ts';

/** `count` series x{i="…", p="aaa…"} with one sample at 1000 s. */
function series(count: number): Queryable {
  const all: Series[] = Array.from({ length: count }, (_, i) => ({
    labels: Labels.of({ __name__: 'x', i: String(i), p: 'a'.repeat(50) }),
    read: (dst: SampleColumns) => dst.append(1_000_000, i),
  }));
  return { select: async () => all };
}

const nothing = series(0);

/** Counts its looks and cancels at one of them. */
class CancelsAtLook implements Cancellation {
  looks = 0;
  readonly #at: number;

  constructor(at: number) {
    this.#at = at;
  }

  throwIfCancelled(): void {
    if (++this.looks >= this.#at) throw new QueryCancelledError();
  }
}

const isLimit = (limit: string) => (error: unknown) =>
  error instanceof LimitError && error.limit === limit && error.code === 'execution';

test('a subquery too fine for its range is refused before it takes memory', async () => {
  for (const query of [
    'vector(1)[20d:1ms]',
    'vector(1)[100y:1ms]',
    'sum_over_time(vector(1)[2d:1ms])',
    'max_over_time(vector(time())[2d:1ms])',
    'sum_over_time(vector(scalar(vector(1) + 1) * pi())[2d:1ms])',
    'sum_over_time(day_of_month()[2d:1ms])',
  ]) {
    const before = process.memoryUsage().arrayBuffers;
    await assert.rejects(
      evaluateInstant(query, { queryable: nothing, timeMs: 1_700_000_000_000 }),
      (error) =>
        isLimit('max_estimated_memory_consumption_per_query')(error) &&
        /^query processing would load too many samples into memory in query execution/.test(
          String((error as Error).message),
        ),
      query,
    );
    assert.ok(process.memoryUsage().arrayBuffers - before < 100_000_000, query);
  }
});

test('scalars count as what a query holds', async () => {
  const run = (maxCells: number) =>
    evaluateRange('1 + 2 * time()', {
      queryable: nothing,
      startMs: 0,
      endMs: 999_000,
      stepMs: 1_000,
      limits: { max_estimated_memory_consumption_per_query: 9 * maxCells },
    });
  await assert.rejects(run(3_999), isLimit('max_estimated_memory_consumption_per_query'));
  assert.equal((await run(4_000)).type, 'matrix');
});

test('what an evaluated node no longer refers to counts no more', async () => {
  const sum = (terms: number) =>
    evaluateRange(new Array(terms).fill('sum(x)').join(' + '), {
      queryable: series(100),
      startMs: 1_000_000,
      endMs: 1_099_000,
      stepMs: 1_000,
    });
  const few = await sum(2);
  const many = await sum(40);
  assert.equal(few.stats.peakSamples, many.stats.peakSamples);
});

test('a block of many series over many steps is refused before it is made', async () => {
  const limits = { max_estimated_memory_consumption_per_query: 9 * 50_000 };
  for (const query of ['x', 'rate(x[5m])', 'count_values("v", x * time())', 'topk(5, x)', 'x or x']) {
    await assert.rejects(
      evaluateRange(query, {
        queryable: series(100),
        startMs: 1_000_000,
        endMs: 1_999_000,
        stepMs: 1_000,
        limits,
      }),
      isLimit('max_estimated_memory_consumption_per_query'),
      query,
    );
  }
});

test('filling columns, labels, sorting and encoding stop once the query is cancelled', async () => {
  const queryable = series(5_000);
  const queries = [
    'vector(1)[15m:1ms]',
    'sum_over_time(vector(time())[15m:1ms])',
    'quantile_over_time(0.5, vector(time() * 7919 % 10007)[15m:1ms])',
    'label_replace(x, "y", "$1", "p", "((.?){20})a*")',
    'label_join(x, "y", "-", "p", "i")',
    'sort_by_label_desc(x, "p")',
  ];
  for (const query of queries) {
    const uncancelled = new CancelsAtLook(Number.POSITIVE_INFINITY);
    await evaluateInstant(query, { queryable, timeMs: 1_001_000, cancellation: uncancelled });
    assert.ok(uncancelled.looks > 0, query);
    const cancellation = new CancelsAtLook(1);
    await assert.rejects(
      evaluateInstant(query, { queryable, timeMs: 1_001_000, cancellation }),
      QueryCancelledError,
      query,
    );
    assert.equal(cancellation.looks, 1, query);
  }
  const filling = new CancelsAtLook(Number.POSITIVE_INFINITY);
  await evaluateInstant('vector(1)[1h:1ms]', { queryable, timeMs: 3_600_000, cancellation: filling });
  assert.ok(filling.looks >= 50, 'looks many times while 3.6 M steps are filled');
  const replacing = new CancelsAtLook(Number.POSITIVE_INFINITY);
  const replace = 'label_replace(x, "y", "$1", "p", "(a*)")';
  await evaluateInstant(replace, { queryable, timeMs: 1_001_000, cancellation: replacing });
  assert.ok(replacing.looks >= 5_000, 'looks at every row');
});

test('what goes over all cells of a block looks while it does', async () => {
  const looksOf = async (query: string) => {
    const cancellation = new CancelsAtLook(Number.POSITIVE_INFINITY);
    const times = { startMs: 1_000_000, endMs: 1_999_000, stepMs: 1_000 };
    await evaluateRange(query, { queryable: series(1_000), ...times, cancellation });
    return cancellation.looks;
  };
  // 300 of the 1,000 steps have samples, but a block has a cell for each: a million.
  const alone = await looksOf('x');
  for (const query of ['hour(x)', 'round(x, 0.1)', 'clamp(x, 1, 2)', 'x ^ 2', '2 > bool x'])
    assert.ok((await looksOf(query)) >= alone + 15, query);
});

test('an answer is encoded up to a size', async () => {
  const result = await evaluateInstant('x', { queryable: series(3_000), timeMs: 1_001_000 });
  const bytes = Buffer.concat(encodeResult(result)).length;
  assert.equal(Buffer.concat(encodeResult(result, { maxBytes: bytes })).length, bytes);
  assert.throws(
    () => encodeResult(result, { maxBytes: bytes - 1 }),
    isLimit('max_query_response_size_bytes'),
  );
  assert.throws(() => encodeResult(result, { cancellation: new CancelsAtLook(2) }), QueryCancelledError);
});

test('memory that the machine refuses ends a query as its limit does', async () => {
  const limits = { max_estimated_memory_consumption_per_query: Number.POSITIVE_INFINITY };
  await assert.rejects(
    evaluateInstant('vector(1)[100y:1ms]', { queryable: nothing, timeMs: 1_700_000_000_000, limits }),
    isLimit('max_estimated_memory_consumption_per_query'),
  );
});

test('topk ranks more rows than a call takes arguments', async () => {
  const queryable = series(150_000);
  const result = await evaluateInstant('topk(150000, x)', { queryable, timeMs: 1_001_000 });
  assert.ok(result.type === 'vector');
  assert.equal(result.block.labels.length, 150_000);
  assert.equal(result.block.values[0], 149_999);
});
