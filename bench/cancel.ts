/**
 * How long a query that nobody waits for any more goes on: the longest time between two looks at the cancellation, over a
 * whole evaluation and the encoding of its answer, for shapes that are heavy in one place. A query that is cancelled at
 * the worst moment takes that long to stop. Exit code 1 if it is a tenth of a second or more.
 */
import { Labels, type SampleColumns } from '@xscaler/model';
import {
  type Cancellation,
  encodeResult,
  evaluateInstant,
  evaluateRange,
  type QueryResult,
} from '@xscaler/promql';
import { printTable } from './table.ts';

const MUST_BE_BELOW_MS = 100;
const SAMPLES = 2_880;
const STEP_MS = 60_000;
const END_MS = SAMPLES * 30_000;
const LIMITS = { max_estimated_memory_consumption_per_query: 900_000_000 };

/** Points of a subquery, seven million of them. */
const MANY = '[81d:1s]';
const SHUFFLED = 'vector(time() * 7919 % 10007)';

/** Over one day of 300 series. */
const RANGE_QUERIES = [
  'x',
  'sum by (p) (rate(x[1d]))',
  'quantile_over_time(0.9, x[1d])',
  'mad_over_time(x[1d])',
  'stddev_over_time(x[6h])',
  'double_exponential_smoothing(x[6h], 0.5, 0.5)',
  'quantile by (p) (0.9, x)',
  'topk(100, x)',
  'x * on (p, i) x',
  'count_values("v", x % 10)',
];

/** One window of seven million points each. */
const WINDOW_QUERIES = [
  `quantile_over_time(0.5, ${SHUFFLED}${MANY})`,
  `mad_over_time(${SHUFFLED}${MANY})`,
  `stddev_over_time(${SHUFFLED}${MANY})`,
  `avg_over_time((${SHUFFLED} / 3)${MANY})`,
  `max_over_time(${SHUFFLED}${MANY})`,
  `rate(${SHUFFLED}${MANY})`,
  `changes(${SHUFFLED}${MANY})`,
  `deriv(${SHUFFLED}${MANY})`,
  `double_exponential_smoothing(${SHUFFLED}${MANY}, 0.5, 0.5)`,
];

/** Over 100,000 series at one time. */
const INSTANT_QUERIES = [
  'sort(x)',
  'sort_by_label(x, "p")',
  'sum by (p, i) (x)',
  'sum without (p) (rate(x[5m]))',
  'quantile(0.9, x)',
  'topk(50000, x)',
  'label_replace(x, "y", "$1", "p", "(.*)")',
  'x * on (p, i) x',
  'x or -x',
  'limit_ratio(0.5, x)',
  'count_values("v", x)',
];

/** Remembers how much CPU time the thread has taken between two looks, at the most. */
class Stopwatch implements Cancellation {
  longestMs = 0;
  looks = 0;
  #lastMs = cpuMs();

  throwIfCancelled(): void {
    const nowMs = cpuMs();
    this.longestMs = Math.max(this.longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
    this.looks++;
  }
}

/** Of this thread alone: on a busy machine the clock tells of others. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function seriesOf(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    labels: Labels.of({
      __name__: 'x',
      i: String(i),
      p: `pod-${i % 1_000}`,
      q: 'a label that all of them have',
    }),
    read(dst: SampleColumns) {
      const shift = (i * 7_919) % 10_007;
      for (let k = 0; k < SAMPLES; k++) dst.append(1 + k * 30_000, ((k * 104_729 + shift) % 10_007) / 1_000);
    },
  }));
}

const fewSeries = seriesOf(300);
/** At one time nobody looks at more than the last samples. */
const manySeries = seriesOf(100_000).map(({ labels }, i) => ({
  labels,
  read(dst: SampleColumns) {
    for (let k = 10; k >= 0; k--) dst.append(END_MS - k * 30_000, (i * 7_919) % 100_003);
  },
}));

function encodeAll(result: QueryResult, stopwatch: Stopwatch): void {
  encodeResult(result, { cancellation: stopwatch });
  stopwatch.throwIfCancelled();
}

async function measure(query: string, stopwatch: Stopwatch): Promise<void> {
  if (RANGE_QUERIES.includes(query)) {
    const queryable = { select: async () => fewSeries };
    const times = { startMs: 0, endMs: END_MS, stepMs: STEP_MS };
    const options = { queryable, ...times, limits: LIMITS, cancellation: stopwatch };
    encodeAll(await evaluateRange(query, options), stopwatch);
    return;
  }
  const queryable = { select: async () => manySeries };
  const timeMs = WINDOW_QUERIES.includes(query) ? 1_700_000_000_000 : END_MS;
  const options = { queryable, timeMs, limits: LIMITS, cancellation: stopwatch };
  encodeAll(await evaluateInstant(query, options), stopwatch);
}

const rows: (string | number)[][] = [];
for (const query of [...RANGE_QUERIES, ...WINDOW_QUERIES, ...INSTANT_QUERIES]) {
  if (!query.includes(process.argv[2] ?? '')) continue;
  const startedMs = cpuMs();
  const stopwatch = new Stopwatch();
  await measure(query, stopwatch);
  rows.push([query, stopwatch.longestMs, MUST_BE_BELOW_MS, stopwatch.looks, cpuMs() - startedMs]);
  if (stopwatch.longestMs >= MUST_BE_BELOW_MS) process.exitCode = 1;
}
printTable(['', 'longest ms', 'must be below', 'looks', 'CPU ms'], rows);
