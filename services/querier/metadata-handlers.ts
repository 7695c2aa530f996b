import type { Exemplar, Matcher } from '@xscaler/model';
import { formatSampleValue, ParseError, parseExpression, selectorsOf } from '@xscaler/promql';
import { ApiError } from './api-error.ts';
import { success } from './envelope.ts';
import type { FanOut, Scope } from './fan-out.ts';
import { invalid, MAX_TIME_MS, MIN_TIME_MS } from './parameters.ts';
import type { ReadHorizon } from './read-horizon.ts';
import type { ReadHandler, ReadRequest } from './read-request.ts';

/** Everything of the read API that evaluates no expression. */
export class MetadataHandlers {
  readonly #fanOut: FanOut;
  readonly #horizon: ReadHorizon;

  constructor(fanOut: FanOut, horizon: ReadHorizon) {
    this.#fanOut = fanOut;
    this.#horizon = horizon;
  }

  readonly labelNames: ReadHandler = async (request, signal) => {
    const sets = request.parameters.matcherSets();
    return truncated(await this.#fanOut.labelNames(await this.#scope(request), sets, signal), request);
  };

  /** For one label, given as the path has it. */
  labelValues(encodedName: string): ReadHandler {
    return async (request, signal) => {
      const name = labelNameFromPath(encodedName);
      const sets = request.parameters.matcherSets();
      return truncated(
        await this.#fanOut.labelValues(await this.#scope(request), name, sets, signal),
        request,
      );
    };
  }

  readonly series: ReadHandler = async (request, signal) => {
    const sets = request.parameters.matcherSets();
    if (sets.length === 0) throw new ApiError('bad_data', 'no match[] parameter provided');
    const found = await this.#fanOut.series(await this.#scope(request), sets, signal);
    return truncated(
      found.map((labels) => labels.toRecord()),
      request,
    );
  };

  readonly exemplars: ReadHandler = async (request, signal) => {
    const [startMs, endMs] = rangeOf(request);
    if (endMs < startMs) {
      throw new ApiError('bad_data', 'end timestamp must not be before start timestamp');
    }
    const sets = selectorMatchers(request.parameters.text('query'));
    if (sets.length === 0) return success([]);
    const scope = await this.#scope(request, [startMs, endMs]);
    const found = await this.#fanOut.exemplars(scope, sets, signal);
    return success(
      found.map(({ labels, exemplars }) => ({
        seriesLabels: labels.toRecord(),
        exemplars: exemplars.map(exemplarJson),
      })),
    );
  };

  readonly metadata: ReadHandler = async (request, signal) => {
    const { parameters } = request;
    const metric = parameters.text('metric') || undefined;
    // Unlike everywhere else, a limit of 0 is one here.
    const limit = parameters.text('limit') === '' ? Number.POSITIVE_INFINITY : parameters.limit();
    // Metadata has no time.
    const scope = await this.#scope(request, [MIN_TIME_MS, MAX_TIME_MS]);
    const entries = await this.#fanOut.metadata(scope, metric, signal);
    const shown = entries.slice(0, limit);
    return success(
      Object.fromEntries(shown.map(({ metric: name, type, help, unit }) => [name, [{ type, help, unit }]])),
    );
  };

  async #scope(request: ReadRequest, [startMs, endMs] = rangeOf(request)): Promise<Scope> {
    const { tenant, arrival } = request;
    const minOffsets = await this.#horizon.minOffsets(tenant, endMs, arrival);
    return { tenant, startMs, endMs, minOffsets };
  }
}

/** Times in ms, inclusive; all time where the request doesn't say. */
function rangeOf({ parameters }: ReadRequest): [startMs: number, endMs: number] {
  return [parameters.timeMs('start', MIN_TIME_MS), parameters.timeMs('end', MAX_TIME_MS)];
}

function truncated(list: readonly unknown[], { parameters }: ReadRequest) {
  const limit = parameters.limit();
  if (limit === 0 || list.length <= limit) return success(list);
  return success(list.slice(0, limit), { warnings: ['results truncated due to limit'] });
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
    if (error instanceof ParseError) throw invalid('query', error.message);
    throw error;
  }
}

function exemplarJson({ labels, value, timestampMs }: Exemplar): object {
  return { labels: labels.toRecord(), value: formatSampleValue(value), timestamp: timestampMs / 1_000 };
}
