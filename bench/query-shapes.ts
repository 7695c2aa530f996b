/** A query of the benchmark, on the metrics of `workload.ts`: 20 series a family and instance. */
export interface QueryShape {
  readonly name: string;
  readonly query: string;
  /** Of Prometheus' time, at most; a third unless it is said. */
  readonly mustBe?: number;
}

const COUNTER = 'application_counter_family_0_requests_total';
const OTHER_COUNTER = 'application_counter_family_6_requests_total';
const BUCKET = 'application_bucket_family_1_requests_seconds_bucket';
const DECIMAL = 'application_decimal_family_2_requests_seconds_total';
const WALK = 'application_walk_family_3_requests';
const EVERYTHING = '{__name__=~"application_.+"}';

/** Subqueries' windows begin between two of their steps: those of Prometheus 2.42 are closed on the left. */
export const QUERY_SHAPES: readonly QueryShape[] = [
  { name: 'sum by (rate 5m)', query: `sum by (job) (rate(${COUNTER}[5m]))` },
  {
    name: 'histogram_quantile by le',
    query: `histogram_quantile(0.9, sum by (le) (rate(${BUCKET}[5m])))`,
  },
  { name: 'topk of max 30m', query: `topk(10, max_over_time(${WALK}[30m]))` },
  { name: 'quantile 1h', query: `quantile_over_time(0.9, ${WALK}[1h])` },
  { name: 'sum of a selector', query: `sum(${WALK})` },
  { name: 'avg of avg 10m', query: `avg by (cluster) (avg_over_time(${DECIMAL}[10m]))` },
  { name: 'one-to-one join', query: `rate(${COUNTER}[5m]) / rate(${OTHER_COUNTER}[5m])` },
  {
    name: 'many-to-one join',
    query: `${WALK} * on (instance) group_left () sum by (instance) (rate(${COUNTER}[5m]))`,
  },
  { name: 'count by of 5,000', query: `count by (instance, handler) (${EVERYTHING})` },
  {
    name: 'nested subqueries',
    query: `max_over_time(sum by (job) (avg_over_time(rate(${COUNTER}[5m])[9m30s:1m]))[59m30s:5m])`,
  },
  { name: 'sum by (rate 1d)', query: `sum by (job) (rate(${COUNTER}[1d]))` },
  { name: 'max of 5,000', query: `max by (job) (last_over_time(${EVERYTHING}[5m]))` },
  {
    name: 'stddev 1h',
    query: `max by (job) (stddev_over_time(${DECIMAL}[1h]))`,
    // To round as Prometheus does it takes Prometheus' twenty additions a sample and window.
    mustBe: 0.5,
  },
];
