/*
 * What each operator costs, alone: CPU time of whole evaluations over series that are decoded already, a day at 30 s
 * asked for at 60 s, and of encoding the answer.
 * Run: node libs/promql/operators/operators.bench.ts [part of a query]
 */
import { Labels, type SampleColumns } from '@xscaler/model';
import type { Queryable, Series } from '@xscaler/storage';
import { encodeResult, evaluateRange } from '../index.ts';

const SERIES = 200;
const SAMPLES = 2_880;
const INTERVAL_MS = 30_000;
const STEP_MS = 60_000;
const ROUNDS = 5;

const QUERIES = [
  'count_total',
  'sum by (job) (count_total)',
  'avg by (job) (decimal)',
  'max by (job) (decimal)',
  'count by (instance) (decimal)',
  'stddev by (job) (decimal)',
  'quantile by (job) (0.9, decimal)',
  'topk by (job) (3, decimal)',
  'count_values("value", job_index)',
  'sum by (job) (rate(count_total[5m]))',
  'sum by (job) (rate(count_total[1d]))',
  'sum by (job) (irate(count_total[5m]))',
  'sum by (job) (sum_over_time(count_total[10m]))',
  'sum by (job) (avg_over_time(decimal[10m]))',
  'sum by (job) (max_over_time(decimal[30m]))',
  'sum by (job) (last_over_time(decimal[5m]))',
  'sum by (job) (stddev_over_time(decimal[1h]))',
  'sum by (job) (quantile_over_time(0.9, decimal[1h]))',
  'sum by (job) (mad_over_time(decimal[1h]))',
  'sum by (job) (deriv(decimal[10m]))',
  'sum by (job) (changes(decimal[10m]))',
  'histogram_quantile(0.9, sum by (job, le) (rate(bucket[5m])))',
  'count_total / decimal',
  'decimal * on (instance) group_left () sum by (instance) (count_total)',
  'count_total > 1000',
  'count_total and decimal',
  'abs(decimal)',
  'label_replace(decimal, "kind", "$1", "job", "job-(.*)")',
  'max_over_time(sum by (job) (rate(count_total[5m]))[1h:5m])',
];

class Generated implements Series {
  readonly labels: Labels;
  readonly #timestamps: Float64Array;
  readonly #values: Float64Array;

  constructor(name: string, i: number, valueAt: (random: number, before: number) => number) {
    const bucket: Record<string, string> = name === 'bucket' ? { le: String(i % 20) } : {};
    this.labels = Labels.of({
      __name__: name,
      job: `job-${i % 10}`,
      instance: `instance-${Math.floor(i / 10)}`,
      ...bucket,
    });
    this.#timestamps = Float64Array.from({ length: SAMPLES }, (_, k) => 1 + k * INTERVAL_MS);
    let state = i + 1;
    let value = i;
    this.#values = this.#timestamps.map(() => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      value = valueAt(state / 2 ** 32, value);
      return value;
    });
  }

  read(dst: SampleColumns): void {
    dst.reserve(SAMPLES);
    dst.timestamps.set(this.#timestamps, dst.length);
    dst.values.set(this.#values, dst.length);
    dst.length += SAMPLES;
  }
}

const shapes: Record<string, (random: number, before: number) => number> = {
  count_total: (random, before) => before + Math.floor(random * 1_000),
  bucket: (random, before) => before + Math.floor(random * 20),
  decimal: (random, before) => Math.round(before * 1_000 + random * 15_000) / 1_000,
  job_index: (random) => Math.floor(random * 5),
};

const generated = new Map(
  Object.entries(shapes).map(([name, valueAt]) => {
    const series = Array.from({ length: SERIES }, (_, i) => new Generated(name, i, valueAt));
    return [name, series.sort((a, b) => a.labels.compare(b.labels))];
  }),
);

const queryable: Queryable = {
  select: async (matchers) => generated.get(matchers[0].value) ?? [],
};

/** CPU time of this thread: on a busy machine the clock tells of others. */
function cpuMs(): number {
  return process.threadCpuUsage().user / 1_000;
}

const endMs = SAMPLES * INTERVAL_MS;
console.log(
  `${SERIES} series of ${SAMPLES} samples, ${endMs / STEP_MS + 1} steps; CPU ms, the least of ${ROUNDS}`,
);
console.log('evaluated  encoded');
for (const query of QUERIES.filter((one) => one.includes(process.argv[2] ?? ''))) {
  let evaluated = Number.POSITIVE_INFINITY;
  let encoded = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const startedMs = cpuMs();
    const result = await evaluateRange(query, { queryable, startMs: 0, endMs, stepMs: STEP_MS });
    const evaluatedMs = cpuMs();
    encodeResult(result);
    evaluated = Math.min(evaluated, evaluatedMs - startedMs);
    encoded = Math.min(encoded, cpuMs() - evaluatedMs);
  }
  console.log(`${evaluated.toFixed(1).padStart(9)}  ${encoded.toFixed(1).padStart(7)}  ${query}`);
}
