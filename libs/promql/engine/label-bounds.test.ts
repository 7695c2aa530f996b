import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, type SampleColumns } from '@xscaler/model';
import type { Queryable, Series } from '@xscaler/storage';
import {
  ExecutionError,
  encodeResult,
  evaluateInstant,
  LimitError,
  QueryCancelledError,
  type QueryLimits,
} from '../index.ts';
import type { Cancellation } from '../vectors/cancellation.ts';

/** `count` series x{i="…", p="aaa…"}, and as many of x_info, with one sample at 1000 s. */
function series(count: number, length: number): Queryable {
  const of = (name: string, i: number): Series => ({
    labels: Labels.of({ __name__: name, i: String(i), p: 'a'.repeat(length) }),
    read: (dst: SampleColumns) => dst.append(1_000_000, i),
  });
  const all = ['x', 'x_info'].flatMap((name) => Array.from({ length: count }, (_, i) => of(name, i)));
  return {
    select: async (matchers) =>
      all.filter(({ labels }) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))),
  };
}

const TIME_MS = 1_100_000;

function run(query: string, queryable: Queryable, limits: QueryLimits = {}, cancellation?: Cancellation) {
  return evaluateInstant(query, {
    queryable,
    timeMs: TIME_MS,
    limits,
    ...(cancellation && { cancellation }),
  });
}

const refusal = (message: RegExp) => (error: unknown) =>
  error instanceof ExecutionError && !(error instanceof LimitError) && message.test(error.message);

const isOverMemory = (error: unknown) =>
  error instanceof LimitError &&
  error.limit === 'max_estimated_memory_consumption_per_query' &&
  /too many samples into memory/.test(error.message);

/** `x` with a label `n` of as many characters, unlike in each row. */
const grown = (length: number, of = 'x') =>
  `label_replace(${of}, "n", "\${1}${'b'.repeat(length)}", "i", "(.*)")`;

test('a label that grows by functions around functions is refused when it is longer than all labels of a series', async () => {
  const one = series(1, 1_024);
  const joins = (times: number) =>
    Array.from({ length: times }).reduce(
      (inner) => `label_join(${inner}, "p", "", "p", "p")`,
      'x' as unknown,
    );
  assert.equal((await run(`${joins(6)}`, one)).type, 'vector');
  await assert.rejects(
    run(`${joins(7)}`, one),
    refusal(/^label_join\(\) would make a label value of 131072 characters, limit 65536$/),
  );
  await assert.rejects(
    run(`label_join(x, "p", "${'-'.repeat(65_536)}", "p", "p")`, one),
    refusal(/^label_join\(\) .* 67584 characters/),
  );
  await assert.rejects(
    run(`label_replace(x, "p", "${'$1'.repeat(65)}", "p", "(.*)")`, one),
    refusal(/^label_replace\(\) would make a label value of 66560 characters, limit 65536$/),
  );
});

test('a pattern with too many states, alone, for a text or for its groups, is refused by the function that has it', async () => {
  const one = series(1, 2_048);
  const replace = (pattern: string) => run(`label_replace(x, "d", "$1", "p", "${pattern}")`, one);
  await assert.rejects(
    replace('(?:a?){7000}a*'.repeat(3)),
    refusal(/invalid regular expression in label_replace/),
  );
  await assert.rejects(
    replace('a?'.repeat(15_000)),
    refusal(/^regular expression in label_replace\(\) is too large, limit 20000 states: (a\?)+$/),
  );
  await assert.rejects(
    replace('(?:a?)'.repeat(2_500)),
    refusal(/^regular expression in label_replace\(\) is too large for a label value of 2048 characters/),
  );
  await assert.rejects(
    replace('(a?)'.repeat(5_000)),
    refusal(/^regular expression in label_replace\(\) is too large, limit 8388608 for states times groups/),
  );
});

test('patterns that people write are matched, with values as long as they may be stored', async () => {
  const one = series(1, 2_048);
  const hosts = Array.from({ length: 300 }, (_, i) => `host-${i}`).join('|');
  for (const pattern of [
    '(.*)',
    '([^:]+)(?::\\\\d+)?',
    '(?i)([a-z0-9.-]+?)(\\\\.[a-z]{2,6})?(:[0-9]{1,5})?',
    `(${hosts}|a+)`,
    '(\\\\pL{1,1000}\\\\pL*)',
  ]) {
    const result = await run(`label_replace(x, "d", "$1", "p", "${pattern}")`, one);
    assert.ok(result.type === 'vector', pattern);
    assert.notEqual(result.block.labels[0].get('d'), '', pattern);
  }
});

test('info() matches no pattern with a metric name that would take too long', async () => {
  const query = `info(label_replace(x, "__name__", "${'b'.repeat(60_000)}", "", ""), {__name__=~"(?:a?b?){300}_info"})`;
  await assert.rejects(
    run(query, series(1, 10)),
    refusal(/^regular expression in info\(\) is too large for a metric name of 60000 characters/),
  );
});

const ROWS = 100;
const LENGTH = 50_000;
/** Of the label sets that `grown(LENGTH)` makes: each text and its copy in the set's key. */
const MADE_BYTES = 2 * ROWS * LENGTH;

test('label sets that functions and operators make count in the memory of a query', async () => {
  const some = series(ROWS, 10);
  for (const query of [
    grown(LENGTH),
    `label_join(label_replace(x, "k", "${'b'.repeat(LENGTH)}", "", ""), "n", "", "k", "i")`,
    `last_over_time(${grown(LENGTH)}[1m:1s])`,
    `topk(${ROWS}, ${grown(LENGTH)})`,
    `sort_by_label(${grown(LENGTH)}, "i")`,
    `${grown(LENGTH)} or vector(1)`,
    `sum by (n) (${grown(LENGTH)})`,
    // Made of one long label for every row.
    `x + on (p) group_left(n) sum by (p, n) (${grown(LENGTH, 'x{i="1"}')})`,
    `count_values by (n) ("v", ${grown(LENGTH)})`,
    `info(x, {n=~".+"}) or ${grown(LENGTH)}`,
  ]) {
    await assert.rejects(
      run(query, some, { max_estimated_memory_consumption_per_query: 0.45 * MADE_BYTES }),
      isOverMemory,
      query.slice(0, 40),
    );
    assert.equal(
      (await run(query, some, { max_estimated_memory_consumption_per_query: 4 * MADE_BYTES })).type,
      'vector',
    );
  }
});

test('label sets that nobody refers to any more count no more', async () => {
  const some = series(ROWS, 10);
  const terms = new Array(10).fill(`count(${grown(LENGTH)})`).join(' + ');
  assert.equal(
    (await run(terms, some, { max_estimated_memory_consumption_per_query: 1.5 * MADE_BYTES })).type,
    'vector',
  );
  const kept = new Array(10).fill(grown(LENGTH)).join(' or ');
  await assert.rejects(
    run(kept, some, { max_estimated_memory_consumption_per_query: 1.5 * MADE_BYTES }),
    isOverMemory,
  );
});

test('label sets that are read, and are as before, cost nothing', async () => {
  const some = series(ROWS, 1_000);
  for (const query of ['x', 'topk(5, x)', 'x > 3', 'sort(x)', 'last_over_time(x[5m])'])
    assert.equal(
      (await run(query, some, { max_estimated_memory_consumption_per_query: 20_000 })).type,
      'vector',
      query,
    );
});

/** Counts its looks. */
class CountsLooks implements Cancellation {
  looks = 0;

  throwIfCancelled(): void {
    this.looks++;
  }
}

test('long labels are grouped, sorted, hashed and encoded with looks at the cancellation in between', async () => {
  const some = series(ROWS, 10);
  const looksOf = async (query: string) => {
    const cancellation = new CountsLooks();
    await run(query, some, {}, cancellation);
    return cancellation.looks;
  };
  const alone = await looksOf(grown(LENGTH));
  for (const [query, more] of [
    [`sort_by_label(${grown(LENGTH)}, "n")`, ROWS],
    [`limit_ratio(0.5, ${grown(LENGTH)})`, ROWS / 2],
    [`${grown(LENGTH)} or ${grown(LENGTH)}`, ROWS],
    [`rate(${grown(LENGTH).replace('"n"', '"__name__"')}[1m:1s])`, 1],
  ] as const) {
    const looks = await looksOf(query);
    assert.ok(looks >= alone + more, `${query.slice(0, 30)}: ${looks}, alone ${alone}`);
  }
  const joined = Array.from({ length: 20 }).reduce<string>(
    (inner, _, i) => `label_join(${inner}, "l${i}", "", "n")`,
    grown(LENGTH, 'x{i="1"}'),
  );
  const cancellation = new CountsLooks();
  encodeResult(await run(joined, some), { cancellation });
  assert.ok(cancellation.looks >= 10, `${cancellation.looks} looks at a row of a megabyte`);
});

test('an answer with a long label is refused before there is memory for it', async () => {
  const result = await run(grown(60_000, 'x{i="1"}'), series(2, 5_000_000));
  const before = process.memoryUsage().arrayBuffers;
  assert.throws(() => encodeResult(result, { maxBytes: 1_000_000 }), {
    limit: 'max_query_response_size_bytes',
  });
  assert.ok(process.memoryUsage().arrayBuffers - before < 10_000_000);
});

test('infos about metrics with long names are gathered up to a size', async () => {
  const named = `label_replace(x, "__name__", "\${1}${'b'.repeat(60_000)}", "i", "(.*)")`;
  const { infos } = await run(`rate(${named}[1m:1s])`, series(300, 10));
  assert.ok(infos.length > 0);
  const [, omitted] = /^(\d+) more info annotations omitted$/.exec(infos[infos.length - 1]) ?? [];
  assert.ok(Number(omitted) < 100, String(omitted));
});

test('a query that was cancelled does not begin with a pattern', async () => {
  const cancelled: Cancellation = {
    throwIfCancelled() {
      throw new QueryCancelledError();
    },
  };
  const query = 'label_replace(x, "d", "$1", "p", "(a?){1000}")';
  await assert.rejects(run(query, series(1, 10), {}, cancelled), QueryCancelledError);
});
