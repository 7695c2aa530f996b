import type { Exemplar, Labels, Matcher } from '@xscaler/model';
import {
  escapedJson,
  formatSampleValue,
  formatTimestampMs,
  labelsJson,
  ParseError,
  parseExpression,
  selectorsOf,
} from '@xscaler/promql';
import { ApiError, invalid } from '../answer/api-error.ts';
import { success, successJson } from '../answer/envelope.ts';
import type { QueryLimitsOf } from '../limits/query-limits.ts';
import type { FanOut, Scope } from '../sources/fan-out.ts';
import { LookupBudget, requireWithin } from '../sources/lookup-budget.ts';
import type { ReadHorizon } from '../sources/read-horizon.ts';
import { MAX_TIME_MS, MIN_TIME_MS, type Parameters } from './parameters.ts';
import type { ReadHandler, ReadRequest } from './read-request.ts';

/** Everything of the read API that evaluates no expression. */
export class MetadataHandlers {
  readonly #fanOut: FanOut;
  readonly #horizon: ReadHorizon;
  readonly #limitsOf: QueryLimitsOf;

  constructor(fanOut: FanOut, horizon: ReadHorizon, limitsOf: QueryLimitsOf) {
    this.#fanOut = fanOut;
    this.#horizon = horizon;
    this.#limitsOf = limitsOf;
  }

  readonly labelNames: ReadHandler = async (request, signal) => {
    const limit = request.parameters.limit();
    const span = rangeOf(request);
    const sets = request.parameters.matcherSets();
    const scope = await this.#scope(request, span);
    const limits = this.#limitsOf(request.tenant);
    const budget = new LookupBudget(limits, limit);
    const found = await this.#fanOut.labelNames(scope, sets, budget, signal);
    return truncated(found, limit, escapedJson, limits.max_query_response_size_bytes);
  };

  /** For one label, given as the path has it. */
  labelValues(encodedName: string): ReadHandler {
    return async (request, signal) => {
      const name = labelNameFromPath(encodedName);
      const limit = request.parameters.limit();
      const span = rangeOf(request);
      const sets = request.parameters.matcherSets();
      const scope = await this.#scope(request, span);
      const limits = this.#limitsOf(request.tenant);
      const budget = new LookupBudget(limits, limit);
      const found = await this.#fanOut.labelValues(scope, name, sets, budget, signal);
      return truncated(found, limit, escapedJson, limits.max_query_response_size_bytes);
    };
  }

  readonly series: ReadHandler = async (request, signal) => {
    if (request.parameters.all('match[]').length === 0)
      throw new ApiError('bad_data', 'no match[] parameter provided');
    const limit = request.parameters.limit();
    const span = rangeOf(request);
    const sets = namedMatcherSets(request.parameters);
    const scope = await this.#scope(request, span);
    const limits = this.#limitsOf(request.tenant);
    const budget = new LookupBudget(limits, limit);
    const found = await this.#fanOut.series(scope, sets, budget, signal);
    return truncated(found, limit, labelsJson, limits.max_query_response_size_bytes);
  };

  readonly exemplars: ReadHandler = async (request, signal) => {
    const [startMs, endMs] = rangeOf(request);
    if (endMs < startMs) {
      throw new ApiError('bad_data', 'end timestamp must not be before start timestamp');
    }
    const sets = selectorMatchers(request.parameters.text('query'));
    // As Prometheus answers a query that has no selector.
    if (sets.length === 0) return { status: 204, headers: {}, body: new Uint8Array(0) };
    const scope = await this.#scope(request, [startMs, endMs]);
    const limits = this.#limitsOf(request.tenant);
    const found = await this.#fanOut.exemplars(scope, sets, new LookupBudget(limits), signal);
    return truncated(found, 0, exemplarsJson, limits.max_query_response_size_bytes);
  };

  readonly metadata: ReadHandler = async (request, signal) => {
    const { parameters } = request;
    const metric = parameters.text('metric') || undefined;
    const limit = metadataLimit(parameters);
    // Metadata has no time.
    const scope = await this.#scope(request, [MIN_TIME_MS, MAX_TIME_MS]);
    const entries = await this.#fanOut.metadata(scope, metric, signal);
    const shown = entries.slice(0, limit);
    return success(
      Object.fromEntries(shown.map(({ metric: name, type, help, unit }) => [name, [{ type, help, unit }]])),
    );
  };

  async #scope(request: ReadRequest, [startMs, endMs] = rangeOf(request)): Promise<Scope> {
    const { tenant, arrival, requestId } = request;
    return { tenant, requestId, startMs, endMs, ...(await this.#horizon.plan(tenant, endMs, arrival)) };
  }
}

/** Times in ms, inclusive; all time if the request doesn't say. */
function rangeOf({ parameters }: ReadRequest): [startMs: number, endMs: number] {
  return [parameters.timeMs('start', MIN_TIME_MS), parameters.timeMs('end', MAX_TIME_MS)];
}

function truncated<T>(list: readonly T[], limit: number, json: (entry: T) => string, maxBytes: number) {
  const isCut = limit > 0 && list.length > limit;
  const entries: string[] = [];
  let bytes = 0;
  for (const entry of isCut ? list.slice(0, limit) : list) {
    const text = json(entry);
    bytes += text.length + 1;
    requireWithin('max_query_response_size_bytes', bytes, maxBytes);
    entries.push(text);
  }
  const warnings = isCut ? ['results truncated due to limit'] : [];
  return successJson([Buffer.from(`[${entries}]`)], { warnings });
}

/** Unlike everywhere else, a limit of 0 is one here, and its fault is told in other words. */
function metadataLimit(parameters: Parameters): number {
  const text = parameters.text('limit');
  if (text === '') return Number.POSITIVE_INFINITY;
  if (!/^[+-]?\d+$/.test(text)) throw new ApiError('bad_data', 'limit must be a number');
  return Number(text) < 0 ? Number.POSITIVE_INFINITY : Number(text);
}

/** `match[]` of a path whose refusals name the parameter. */
function namedMatcherSets(parameters: Parameters): Matcher[][] {
  try {
    return parameters.matcherSets();
  } catch (error) {
    if (error instanceof ApiError) throw invalid('match[]', error.message);
    throw error;
  }
}

/** Names that a URL cannot carry come as Prometheus escapes them: `U__` and `_<hex>_` for each special character. */
function labelNameFromPath(encoded: string): string {
  let name: string;
  try {
    name = decodeURIComponent(encoded);
  } catch {
    throw new ApiError('bad_data', `invalid label name: ${JSON.stringify(encoded)}`);
  }
  if (!name.startsWith('U__')) return name;
  return name
    .slice(3)
    .replaceAll(/__|_([0-9a-fA-F]{1,6})_/g, (_text, hex) =>
      hex === undefined || Number.parseInt(hex, 16) > 0x10ffff
        ? '_'
        : String.fromCodePoint(Number.parseInt(hex, 16)),
    );
}

function selectorMatchers(query: string): Matcher[][] {
  try {
    return selectorsOf(parseExpression(query)).map((matchers) => [...matchers]);
  } catch (error) {
    if (error instanceof ParseError) throw new ApiError('bad_data', error.message);
    throw error;
  }
}

function exemplarsJson({ labels, exemplars }: { labels: Labels; exemplars: readonly Exemplar[] }): string {
  return `{"seriesLabels":${labelsJson(labels)},"exemplars":[${exemplars.map(exemplarJson)}]}`;
}

function exemplarJson({ labels, value, timestampMs }: Exemplar): string {
  const time = formatTimestampMs(timestampMs);
  return `{"labels":${labelsJson(labels)},"value":"${formatSampleValue(value)}","timestamp":${time}}`;
}
