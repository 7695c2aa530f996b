/** What is asked of both a Prometheus and of xscaler, which received that Prometheus' samples. */
export interface ComparedQuery {
  readonly query: string;
  /** The answer's order counts (`sort`, and `topk` in an instant query). */
  readonly ordered?: boolean;
  /** No series answers it: what matters is that none does. */
  readonly empty?: boolean;
  /** Allowed distance of values near zero, if rounding leaves something other than zero. */
  readonly absolute?: number;
}

const NODE = '{job="node"}';
const SELF = 'job="prometheus"';
const LATENCY = `prometheus_http_request_duration_seconds_bucket{${SELF}}`;

const SELECTORS = [
  `node_load1${NODE}`,
  '{job="scripted"}',
  '{job="scripted",shard!="1"}',
  '{job="scripted",__name__=~"scripted_(wave|odd)"}',
  '{job="scripted",value=~".*[\\\\s]inside|größer.*"}',
  '{job="scripted",shard!~"0|2|",zone=""}',
  '{job="scripted",kind=~".+"}',
  `node_cpu_seconds_total{job="node",mode!~"idle|iowait"}`,
  `prometheus_tsdb_head_series{${SELF}} offset 17s`,
  'scripted_visitor',
  'scripted_visitor offset 13s',
  `up{job=~"node|prometheus|scripted"}`,
];

const RANGE_FUNCTIONS = [
  `rate(node_cpu_seconds_total${NODE}[30s])`,
  `irate(node_cpu_seconds_total${NODE}[30s])`,
  `increase(prometheus_tsdb_head_samples_appended_total{${SELF}}[25s])`,
  'rate(scripted_restarting_total[31s])',
  'irate(scripted_restarting_total[11s])',
  'increase(scripted_restarting_total[40s] offset 9s)',
  'delta(scripted_wave[21s])',
  `delta(node_memory_MemAvailable_bytes${NODE}[30s])`,
  ...['avg', 'min', 'max', 'sum', 'count', 'last', 'present'].map(
    (f) => `${f}_over_time(scripted_wave[27s])`,
  ),
  ...['avg', 'min', 'max', 'sum', 'count', 'last'].map((f) => `${f}_over_time(scripted_odd[15s])`),
  'quantile_over_time(0.8, scripted_wave[27s])',
  'count_over_time(scripted_visitor[22s])',
];

const DEVIATIONS = ['stddev_over_time(scripted_wave[27s])', 'stdvar_over_time(scripted_wave[27s])'];

const AGGREGATIONS = [
  `sum by (mode) (rate(node_cpu_seconds_total${NODE}[30s]))`,
  `sum without (cpu, instance) (node_cpu_seconds_total${NODE})`,
  'avg by (zone) (scripted_wave)',
  'min(scripted_wave)',
  'max without (shard) (scripted_wave)',
  'count by (job) ({job=~"node|scripted"})',
  'group by (zone) (scripted_wave)',
  'quantile by (zone) (0.3, scripted_wave)',
  'count_values("seen", scripted_zone_weight)',
  'topk by (zone) (1, scripted_wave)',
  'bottomk(2, scripted_wave)',
  'sum(scripted_odd{kind!="nan"})',
  'max(scripted_odd)',
  'min(scripted_odd)',
];

const OPERATORS = [
  `node_memory_MemAvailable_bytes${NODE} / node_memory_MemTotal_bytes${NODE} * 100`,
  'scripted_wave + on (shard, job, instance) scripted_restarting_total',
  'scripted_wave - ignoring (zone) scripted_restarting_total',
  'scripted_wave * on (zone) group_left (tier) scripted_zone_weight',
  'scripted_zone_weight % on (zone) group_right () scripted_wave',
  'scripted_wave ^ 2',
  '-scripted_wave',
  'scripted_wave > 0',
  'scripted_wave <= bool 0',
  'scripted_wave == scripted_wave',
  'scripted_wave != bool on (shard) scripted_restarting_total',
  '3 < bool 4',
  'scripted_wave and on (shard) (scripted_restarting_total > 50)',
  'scripted_wave unless on (shard) (scripted_restarting_total > 50)',
  'scripted_restarting_total > 50 or on (shard) scripted_wave',
  'scripted_wave atan2 on (shard) scripted_restarting_total',
  'scripted_odd / 0',
];

const FUNCTIONS = [
  `histogram_quantile(0.9, sum by (le, handler) (rate(${LATENCY}[30s])))`,
  `histogram_quantile(0.5, ${LATENCY})`,
  'histogram_quantile(0.99, sum by (path, le) (increase(scripted_latency_seconds_bucket[35s])))',
  'histogram_quantile(1.2, scripted_latency_seconds_bucket)',
  'label_replace(scripted_wave, "place", "$1-$2", "zone", "(z)(.*)")',
  'label_replace(scripted_wave, "zone", "", "zone", "z1")',
  ...['abs', 'ceil', 'floor', 'sgn', 'round', 'exp', 'sqrt', 'ln', 'log2', 'log10'].map(
    (f) => `${f}(scripted_wave / 100)`,
  ),
  'round(scripted_wave, 0.25)',
  'clamp(scripted_wave, -100, 250.5)',
  'clamp_min(scripted_wave, 0)',
  'clamp_max(scripted_wave, 0)',
  'scalar(scripted_zone_weight{zone="z1"})',
  'vector(7) + time() * 0',
  'time()',
  `timestamp(node_load1${NODE})`,
  'absent(scripted_nothing{kind="x"})',
];

/** Every kind of expression that the evaluator has. Each names its job or a metric of the scripted target. */
export const COMPARED_QUERIES: readonly ComparedQuery[] = [
  ...[...SELECTORS, ...RANGE_FUNCTIONS, ...AGGREGATIONS, ...OPERATORS, ...FUNCTIONS].map((query) => ({
    query,
  })),
  ...DEVIATIONS.map((query) => ({ query, absolute: 1e-6 })),
  { query: 'stddev by (zone) (scripted_wave)', absolute: 1e-9 },
  { query: 'stdvar by (zone) (scripted_wave)', absolute: 1e-9 },
  { query: 'scripted_nothing', empty: true },
  { query: 'scripted_wave and scripted_restarting_total', empty: true },
  { query: 'sort(scripted_wave)', ordered: true },
  { query: 'sort_desc(scripted_wave)', ordered: true },
  { query: 'topk(3, scripted_wave)', ordered: true },
];
