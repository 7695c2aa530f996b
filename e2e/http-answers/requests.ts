import type { Params } from '../harness/index.ts';
import {
  BAD_MATCHERS,
  BAD_QUERIES,
  BAD_TIMES,
  DURATIONS,
  FAILING_QUERIES,
  FORMATTED_QUERIES,
  GOOD_QUERIES,
} from './request-texts.ts';

/** One request, sent to a Prometheus and to xscaler alike. */
export interface ComparedRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly params: Params;
  /** What Prometheus 3 has to answer, if 2.42 hasn't what is asked for. */
  readonly newer?: { readonly status: number; readonly body: string };
}

/** Times of the data, ms; see `answeredSeries`. */
export interface RequestTimes {
  readonly startMs: number;
  readonly endMs: number;
}

/** Every request that is compared, by what it is about. */
export function comparedRequests(times: RequestTimes): Record<string, ComparedRequest[]> {
  return {
    'instant queries': instantRequests(times),
    'range queries': rangeRequests(times),
    'parameters of queries': parameterRequests(times),
    'what Prometheus 2.42 has not': newerRequests(times),
    'labels, series and metadata': metadataRequests(times),
    exemplars: exemplarRequests(times),
    'the language': languageRequests(),
  };
}

function get(path: string, params: Params = {}): ComparedRequest {
  return { method: 'GET', path: `/api/v1/${path}`, params };
}

function post(path: string, params: Params = {}): ComparedRequest {
  return { method: 'POST', path: `/api/v1/${path}`, params };
}

function both(path: string, params: Params): ComparedRequest[] {
  return [get(path, params), post(path, params)];
}

function instantRequests({ endMs }: RequestTimes): ComparedRequest[] {
  const time = endMs / 1_000;
  const all = [...GOOD_QUERIES, ...BAD_QUERIES, ...FAILING_QUERIES];
  return [
    ...all.map((query) => get('query', { query, time })),
    ...GOOD_QUERIES.slice(0, 20).map((query) => post('query', { query, time })),
    get('query', { time }),
    get('query', { query: ['gauge', 'nothing'], time }),
    get('query', { query: 'time()', time: [String(time), '5'] }),
  ];
}

function rangeRequests({ startMs, endMs }: RequestTimes): ComparedRequest[] {
  const [start, end] = [startMs / 1_000, endMs / 1_000];
  const range = { start, end, step: 30 };
  const all = [...GOOD_QUERIES, ...BAD_QUERIES, ...FAILING_QUERIES];
  return [
    ...all.map((query) => get('query_range', { query, ...range })),
    ...GOOD_QUERIES.slice(20, 40).map((query) => post('query_range', { query, ...range, step: '15s' })),
    get('query_range', { query: 'gauge', start, step: '0.5', end: start + 2 }),
    get('query_range', { query: 'gauge', start: start + 0.001, end: start + 60.5, step: '7.013' }),
    get('query_range', { query: 'gauge', ...range, step: '1m30s' }),
    get('query_range', { query: 'time()', start, step: 1, end: start + 11_000 }),
    get('query_range', { query: 'time()', start, step: 1, end: start + 11_001 }),
    get('query_range', { query: 'gauge', step: 30, start: end, end: start }),
    get('query_range', { query: 'gauge', start, step: 30 }),
    get('query_range', { query: 'gauge', end, step: 30 }),
    get('query_range', { query: 'gauge', start, end }),
    get('query_range', { ...range }),
    post('query_range', { query: '(', ...range, step: 0 }),
  ];
}

function parameterRequests({ startMs, endMs }: RequestTimes): ComparedRequest[] {
  const range = { start: startMs / 1_000, end: endMs / 1_000, step: 30 };
  const time = endMs / 1_000;
  const iso = new Date(endMs).toISOString();
  const goodTimes = [
    time,
    time + 0.123,
    (time + 0.1).toFixed(7),
    '1.5',
    '0',
    '-1',
    '-0.001',
    '1e3',
    `${time}e0`,
  ];
  goodTimes.push(iso, iso.replace('Z', '+00:00'), iso.replace('.000Z', '.25Z'));
  const query = 'sum(gauge)';
  const rates = 'sum(rate(steps_total[2m]))';
  return [
    ...goodTimes.flatMap((each) =>
      ['time()', '"a"', 'vector(2)'].map((q) => get('query', { query: q, time: each })),
    ),
    ...BAD_TIMES.map((each) => get('query', { query, time: each })),
    ...BAD_TIMES.slice(0, 6).map((each) => get('query_range', { query, ...range, start: each })),
    ...BAD_TIMES.slice(0, 4).map((each) => get('query_range', { query, ...range, end: each })),
    ...[...DURATIONS, '0', '0s'].map((each) => get('query_range', { query, ...range, step: each })),
    ...DURATIONS.filter((each) => each !== '-1s').map((each) => get('query', { query, time, timeout: each })),
    get('query_range', { query, ...range, timeout: 'x' }),
    ...['all', 'true', '1'].map((stats) => get('query', { query: rates, time, stats })),
    ...['all', 'true'].map((stats) => get('query_range', { query: rates, ...range, stats })),
    ...[
      'gauge',
      'gauge + on (kind) steps_total',
      'max_over_time(gauge[55s:10s])',
      'rate(steps_total[1m] @ end())',
    ]
      .concat(
        'sum_over_time(sum(gauge)[1m:20s] offset 5s)',
        'time()',
        '1 + 2',
        'sum(gauge @ start())',
        'nothing',
      )
      .flatMap((each) => [
        get('query_range', { query: each, ...range, stats: 'all' }),
        get('query', { query: each, time, stats: 'all' }),
      ]),
    get('query', { query: 'gauge', time, timeout: '1m' }),
  ];
}

/** Parameters and queries that came after 2.42, with what the documentation of Prometheus 3 says of them. */
function newerRequests({ endMs }: RequestTimes): ComparedRequest[] {
  const time = endMs / 1_000;
  const success = (data: string, more = '') => ({
    status: 200,
    body: `{"status":"success","data":${data}${more}}`,
  });
  const vector = (...samples: string[]) => `{"resultType":"vector","result":[${samples}]}`;
  const cut = ',"warnings":["results truncated due to limit"]';
  const gauge = (kind: string, value: number, at = time) =>
    `{"metric":{"__name__":"gauge","kind":"${kind}"},"value":[${at},"${value}"]}`;
  const refused = (error: string) => ({
    status: 400,
    body: `{"status":"error","errorType":"bad_data","error":${JSON.stringify(error)}}`,
  });
  const noLimit = (limit: string) =>
    refused(`invalid parameter "limit": strconv.Atoi: parsing "${limit}": invalid syntax`);
  const negative = refused('invalid parameter "limit": limit must be non-negative');
  const noLookback = refused('error parsing lookback delta duration: cannot parse "x" to a valid duration');
  const query = 'gauge';
  return [
    {
      ...get('query', { query, time, limit: '2' }),
      newer: success(vector(gauge('a', 3), gauge('b', 3.125)), cut),
    },
    {
      ...get('query', { query: 'gauge{kind="a"}', time, limit: '1' }),
      newer: success(vector(gauge('a', 3))),
    },
    {
      ...get('query', { query: 'gauge{kind="a"}', time, limit: '0' }),
      newer: success(vector(gauge('a', 3))),
    },
    { ...get('query', { query, time, limit: 'x' }), newer: noLimit('x') },
    { ...get('query', { query, time, limit: '1.5' }), newer: noLimit('1.5') },
    { ...get('query', { query, time, limit: '-1' }), newer: negative },
    { ...get('labels', { limit: '2' }), newer: success('["__name__","kind"]', cut) },
    { ...get('labels', { limit: 'x' }), newer: noLimit('x') },
    { ...get('label/kind/values', { limit: '1' }), newer: success('["a"]', cut) },
    { ...get('label/kind/values', { limit: '-1' }), newer: negative },
    {
      ...get('series', { 'match[]': 'gauge', limit: '1' }),
      newer: success('[{"__name__":"gauge","kind":"a"}]', cut),
    },
    { ...get('series', { 'match[]': 'gauge', limit: '+' }), newer: noLimit('+') },
    { ...get('query', { query, time, lookback_delta: 'x' }), newer: noLookback },
    { ...get('query', { query, time: time + 200, lookback_delta: '1s' }), newer: success(vector()) },
    {
      ...get('query', { query: 'gauge{kind="a"}', time: time + 900, lookback_delta: '20m' }),
      newer: success(vector(gauge('a', 3, time + 900))),
    },
    {
      ...get('query', { query: 'gauge{kind="b"}', time, lookback_delta: '0' }),
      newer: success(vector(gauge('b', 3.125))),
    },
    {
      ...get('query', { query: '5m', time }),
      newer: success(`{"resultType":"scalar","result":[${time},"300"]}`),
    },
    {
      ...get('query', { query: 'label_replace(gauge{kind="a"}, "1 bad", "y", "kind", "a")', time }),
      newer: success(vector(`{"metric":{"1 bad":"y","__name__":"gauge","kind":"a"},"value":[${time},"3"]}`)),
    },
    {
      ...get('query', { query: 'count_values("1bad", gauge{kind="a"})', time }),
      newer: success(vector(`{"metric":{"1bad":"3"},"value":[${time},"1"]}`)),
    },
    {
      ...get('query', { query: 'rate(gauge{kind="b"}[25s])', time }),
      newer: success(
        vector(`{"metric":{"kind":"b"},"value":[${time},"0.1"]}`),
        ',"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \\"gauge\\" (1:6)"]',
      ),
    },
    {
      ...get('query', { query: 'histogram_quantile(2, nothing)', time }),
      newer: success(
        vector(),
        ',"warnings":["PromQL warning: quantile value should be between 0 and 1, got 2 (1:20)"]',
      ),
    },
    {
      ...get('parse_query', { query: '1 + 2' }),
      newer: success(
        '{"bool":false,"lhs":{"type":"numberLiteral","val":"1"},"matching":null,"op":"+","rhs":{"type":"numberLiteral","val":"2"},"type":"binaryExpr"}',
      ),
    },
    {
      ...get('query', { query, time: 'NaN' }),
      newer: refused(
        `invalid parameter "time": Invalid time value for 'time': cannot parse "NaN" to a valid timestamp`,
      ),
    },
  ];
}

function metadataRequests({ startMs, endMs }: RequestTimes): ComparedRequest[] {
  const span = { start: startMs / 1_000, end: endMs / 1_000 };
  const later = endMs / 1_000 + 14_400;
  const few = BAD_TIMES.slice(0, 4);
  return [
    ...both('labels', {}),
    ...both('labels', span),
    ...both('labels', { 'match[]': 'gauge' }),
    ...both('labels', { 'match[]': ['gauge', 'took_bucket'], ...span }),
    get('labels', { 'match[]': 'nothing' }),
    get('labels', { start: later }),
    ...BAD_MATCHERS.map((match) => get('labels', { 'match[]': match })),
    ...few.flatMap((time) => [get('labels', { start: time }), get('labels', { end: time })]),
    ...['__name__', 'kind', 'le', 'nothing', 'weird'].map((label) => get(`label/${label}/values`)),
    get('label/kind/values', { 'match[]': 'gauge' }),
    get('label/kind/values', { 'match[]': ['gauge{kind="a"}', 'steps_total'], ...span }),
    ...BAD_MATCHERS.map((match) => get('label/kind/values', { 'match[]': match })),
    ...few.map((start) => get('label/kind/values', { start })),
    ...both('series', { 'match[]': 'gauge' }),
    ...both('series', { 'match[]': ['gauge', 'took_bucket{le="1"}'], ...span }),
    get('series', { 'match[]': 'nothing' }),
    get('series', { 'match[]': 'gauge', start: later }),
    ...both('series', {}),
    ...BAD_MATCHERS.map((match) => get('series', { 'match[]': match })),
    ...few.flatMap((time) => [
      get('series', { 'match[]': 'gauge', start: time }),
      get('series', { 'match[]': 'gauge', end: time }),
    ]),
    get('metadata'),
    get('metadata', { metric: 'gauge' }),
    get('metadata', { limit: 'x' }),
    get('metadata', { limit: '1.5' }),
    get('rules'),
    get('alerts'),
  ];
}

function exemplarRequests({ startMs, endMs }: RequestTimes): ComparedRequest[] {
  const span = { start: startMs / 1_000, end: endMs / 1_000 };
  return [
    ...both('query_exemplars', { query: 'took_bucket', ...span }),
    post('query_exemplars', { query: 'rate(took_bucket[1m]) + gauge', ...span }),
    get('query_exemplars', { query: 'took_bucket{le="1"}', ...span }),
    get('query_exemplars', { query: 'nothing', ...span }),
    get('query_exemplars', { query: '1', ...span }),
    get('query_exemplars', { query: 'gauge{', ...span }),
    get('query_exemplars', { query: 'took_bucket', start: span.end, end: span.start }),
    get('query_exemplars', { query: 'took_bucket', start: 'x' }),
    get('query_exemplars', { query: 'took_bucket', end: 'x' }),
    get('query_exemplars', {}),
  ];
}

function languageRequests(): ComparedRequest[] {
  return FORMATTED_QUERIES.flatMap((query) => both('format_query', { query }));
}
