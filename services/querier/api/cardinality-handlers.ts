import type { Matcher } from '@xscaler/model';
import { escapedJson, labelsJson, ParseError, parseSelector } from '@xscaler/promql';
import type { PartitionCardinality, UpstreamResponse } from '@xscaler/rpc';
import { SeriesFrameReader } from '@xscaler/tsdb';
import { ApiError, invalid } from '../answer/api-error.ts';
import { successJson } from '../answer/envelope.ts';
import type { QueryLimitsOf } from '../limits/query-limits.ts';
import type { FanOut, Scope } from '../sources/fan-out.ts';
import { LookupBudget, requireWithin } from '../sources/lookup-budget.ts';
import type { ReadHorizon } from '../sources/read-horizon.ts';
import { Cardinality, type Counted, largest, type ValueCounts } from './cardinality.ts';
import { MAX_TIME_MS, type Parameters } from './parameters.ts';
import type { ReadHandler, ReadRequest } from './read-request.ts';

/** Counts cover series with a sample in this period: about the head of a Prometheus. */
const RECENT_MS = 2 * 3_600_000;
/** Active series have a sample in this period, Mimir's default. */
const ACTIVE_MS = 20 * 60_000;

const DEFAULT_TSDB_LIMIT = 10;
const MAX_TSDB_LIMIT = 10_000;
const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 500;
const MAX_NAMES = 100;

export interface CardinalityOptions {
  readonly limitsOf: QueryLimitsOf;
  /** Wall clock, ms. */
  readonly clock: () => number;
}

/**
 * Series counts by label: `status/tsdb` like Prometheus, and `cardinality/…` like Mimir (HTTP API reference, from "Label
 * names cardinality" on). They cover the last two hours, in heads and recent blocks, or the last twenty minutes with
 * `count_method=active`.
 */
export class CardinalityHandlers {
  readonly #fanOut: FanOut;
  readonly #horizon: ReadHorizon;
  readonly #options: CardinalityOptions;

  constructor(fanOut: FanOut, horizon: ReadHorizon, options: CardinalityOptions) {
    this.#fanOut = fanOut;
    this.#horizon = horizon;
    this.#options = options;
  }

  readonly tsdbStatus: ReadHandler = async (request, signal) => {
    const limit = tsdbLimit(request.parameters.text('limit'));
    const { cardinality, heads } = await this.#count(request, RECENT_MS, [], undefined, signal);
    const { labels } = cardinality;
    const json = {
      seriesCountByMetricName: largest(countedValues(cardinality.valuesOf('__name__')), limit),
      labelValueCountByLabelName: largest(
        countedLabels(labels, ({ size }) => size),
        limit,
      ),
      memoryInBytesByLabelName: largest(countedLabels(labels, bytesOf), limit),
      seriesCountByLabelValuePair: largest(countedPairs(labels), limit),
    };
    const lists = Object.entries(json).map(
      ([name, counted]) =>
        `"${name}":${escapedJson(counted.map((one) => ({ name: one.name, value: one.count })))}`,
    );
    return successJson([Buffer.from(`{"headStats":${headStats(cardinality, heads)},${lists}}`)]);
  };

  readonly labelNames: ReadHandler = async (request, signal) => {
    const limit = listLimit(request.parameters.text('limit'));
    const sets = selectorOf(request.parameters);
    const { cardinality } = await this.#count(
      request,
      countedMs(request.parameters),
      sets,
      undefined,
      signal,
    );
    const found = largest(
      countedLabels(cardinality.labels, ({ size }) => size),
      limit,
    );
    return plainJson({
      label_values_count_total: cardinality.valueCount,
      label_names_count: cardinality.labels.size,
      cardinality: found.map(({ name, count }) => ({ label_name: name, label_values_count: count })),
    });
  };

  readonly labelValues: ReadHandler = async (request, signal) => {
    const { parameters } = request;
    const names = labelNamesOf(parameters);
    const limit = listLimit(parameters.text('limit'));
    const sets = selectorOf(parameters);
    const { cardinality } = await this.#count(request, countedMs(parameters), sets, names, signal);
    const counted = largest(
      names.map((name) => ({ name, count: seriesOf(cardinality.valuesOf(name)) })),
      names.length,
    );
    return plainJson({
      series_count_total: cardinality.seriesCount,
      labels: counted.map(({ name, count }) => ({
        label_name: name,
        label_values_count: cardinality.valuesOf(name).size,
        series_count: count,
        cardinality: largest(countedValues(cardinality.valuesOf(name)), limit).map((one) => ({
          label_value: one.name,
          series_count: one.count,
        })),
      })),
    });
  };

  /** Labels of every series with a sample in the last minutes, each once. */
  readonly activeSeries: ReadHandler = async (request, signal) => {
    const [matchers] = selectorOf(request.parameters);
    if (matchers === undefined) throw invalid('selector', 'a selector is required');
    const limits = this.#options.limitsOf(request.tenant);
    const scope = await this.#scope(request, ACTIVE_MS);
    const wire = matchers.map(({ type, name, value }) => ({ type, name, value }));
    const found = new Set<string>();
    let bytes = 0;
    for await (const frame of this.#fanOut.select({ ...scope, matchers: wire }, signal)) {
      const reader = new SeriesFrameReader(frame);
      while (reader.next()) {
        const json = labelsJson(reader.labels());
        if (found.has(json)) continue;
        found.add(json);
        bytes += json.length + 1;
        requireWithin('max_fetched_series_per_query', found.size, limits.max_fetched_series_per_query);
        requireWithin('max_query_response_size_bytes', bytes, limits.max_query_response_size_bytes);
      }
    }
    return jsonAnswer(`{"data":[${[...found]}]}`);
  };

  async #count(
    request: ReadRequest,
    countedMs: number,
    sets: readonly Matcher[][],
    names: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<{ cardinality: Cardinality; heads: readonly PartitionCardinality[] }> {
    const scope = await this.#scope(request, countedMs);
    const budget = new LookupBudget(this.#options.limitsOf(request.tenant));
    const sources = await this.#fanOut.counts(scope, sets, names, budget, signal);
    return { cardinality: await Cardinality.of(sources, signal), heads: sources.heads };
  }

  async #scope({ tenant, arrival, requestId }: ReadRequest, countedMs: number): Promise<Scope> {
    const startMs = this.#options.clock() - countedMs;
    // Some samples are a little ahead of their time.
    const endMs = MAX_TIME_MS;
    return { tenant, requestId, startMs, endMs, ...(await this.#horizon.plan(tenant, endMs, arrival)) };
  }
}

/** What Prometheus says of a head without samples. */
const NO_TIMES = '"minTime":9223372036854775807,"maxTime":-9223372036854775808';

function headStats({ seriesCount, valueCount }: Cardinality, heads: readonly PartitionCardinality[]): string {
  const filled = heads.filter(({ chunkCount }) => chunkCount > 0);
  const chunkCount = filled.reduce((sum, one) => sum + one.chunkCount, 0);
  const minTimeMs = Math.min(...filled.map((one) => one.minTimeMs));
  const maxTimeMs = Math.max(...filled.map((one) => one.maxTimeMs));
  const times = filled.length === 0 ? NO_TIMES : `"minTime":${minTimeMs},"maxTime":${maxTimeMs}`;
  return `{"numSeries":${seriesCount},"numLabelPairs":${valueCount},"chunkCount":${chunkCount},${times}}`;
}

function* countedValues(values: ValueCounts): Generator<Counted> {
  for (const [name, count] of values) yield { name, count };
}

function* countedLabels(
  labels: Cardinality['labels'],
  countOf: (values: ValueCounts) => number,
): Generator<Counted> {
  for (const [name, values] of labels) yield { name, count: countOf(values) };
}

function* countedPairs(labels: Cardinality['labels']): Generator<Counted> {
  for (const [name, values] of labels)
    for (const [value, count] of values) yield { name: `${name}=${value}`, count };
}

function seriesOf(values: ValueCounts): number {
  let series = 0;
  for (const count of values.values()) series += count;
  return series;
}

/** As Prometheus reckons it: the length of each value as often as there are series that have it. */
function bytesOf(values: ValueCounts): number {
  let bytes = 0;
  for (const [value, count] of values) bytes += Buffer.byteLength(value) * count;
  return bytes;
}

function tsdbLimit(text: string): number {
  if (text === '') return DEFAULT_TSDB_LIMIT;
  const limit = /^\+?\d+$/.test(text) ? Number(text) : 0;
  if (limit < 1) throw new ApiError('bad_data', 'limit must be a positive number');
  if (limit > MAX_TSDB_LIMIT) throw new ApiError('bad_data', `limit must not exceed ${MAX_TSDB_LIMIT}`);
  return limit;
}

function listLimit(text: string): number {
  if (text === '') return DEFAULT_LIMIT;
  if (!/^\d+$/.test(text)) throw invalid('limit', 'must be a non-negative integer');
  if (Number(text) > MAX_LIMIT) throw invalid('limit', `it cannot be greater than ${MAX_LIMIT}`);
  return Number(text);
}

function countedMs(parameters: Parameters): number {
  const method = parameters.text('count_method');
  if (method === '' || method === 'inmemory') return RECENT_MS;
  if (method === 'active') return ACTIVE_MS;
  throw invalid('count_method', `${JSON.stringify(method)} is neither "inmemory" nor "active"`);
}

function labelNamesOf(parameters: Parameters): string[] {
  const names = [...new Set(parameters.all('label_names[]'))];
  if (names.length === 0 || names.includes('')) throw invalid('label_names[]', 'a label name is required');
  if (names.length > MAX_NAMES) throw invalid('label_names[]', `more than ${MAX_NAMES} label names`);
  return names;
}

/** One set of matchers, or none if there is no selector. */
function selectorOf(parameters: Parameters): Matcher[][] {
  const text = parameters.text('selector');
  if (text === '') return [];
  try {
    return [[...parseSelector(text)]];
  } catch (error) {
    if (error instanceof ParseError) throw invalid('selector', error.message);
    throw error;
  }
}

function plainJson(answer: unknown): UpstreamResponse {
  return jsonAnswer(escapedJson(answer));
}

/** Mimir has no envelope here. */
function jsonAnswer(json: string): UpstreamResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json' },
    body: new Uint8Array(Buffer.from(json)),
  };
}
