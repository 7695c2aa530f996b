import type { Matcher } from '@xscaler/model';
import { ParseError, parseSelector } from '@xscaler/promql';
import type { UpstreamRequest } from '@xscaler/rpc';
import { ApiError } from './api-error.ts';

/** Bounds of an open time range: what JavaScript's dates can hold, ms. */
export const MIN_TIME_MS = -8_640_000_000_000_000;
export const MAX_TIME_MS = 8_640_000_000_000_000;

/** Selectors of one request at most: each is looked up in every head and block. */
const MAX_SELECTORS = 100;

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

/** Query string and, for POST, form body of a request, read as the Prometheus API reads them. */
export class Parameters {
  readonly #values: URLSearchParams;

  constructor(request: UpstreamRequest) {
    this.#values = new URLSearchParams(request.query);
    const contentType = request.headers['content-type'] ?? '';
    if (request.method !== 'POST' || !contentType.startsWith('application/x-www-form-urlencoded')) return;
    // Form values come first, as in Go's Request.Form.
    const form = new URLSearchParams(Buffer.from(request.body).toString('utf8'));
    for (const [name, value] of this.#values) form.append(name, value);
    this.#values = form;
  }

  text(name: string): string {
    return this.#values.get(name) ?? '';
  }

  all(name: string): string[] {
    return this.#values.getAll(name);
  }

  timeMs(name: string, byDefaultMs: number): number {
    const text = this.text(name);
    if (text === '') return byDefaultMs;
    const timeMs = parseTimeMs(text);
    if (timeMs === undefined)
      throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
    return timeMs;
  }

  /** A duration such as `5m`, or seconds. Undefined where the parameter is absent. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    const durationMs = parseDurationMs(text);
    if (durationMs === undefined)
      throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
    return durationMs;
  }

  /** 0 means no limit. */
  limit(): number {
    const text = this.text('limit');
    if (text === '') return 0;
    const limit = Number(text);
    if (!Number.isInteger(limit))
      throw invalid('limit', `cannot parse ${JSON.stringify(text)} to a valid integer`);
    if (limit < 0) throw invalid('limit', 'limit must be non-negative');
    return limit;
  }

  /** The `match[]` selectors; each must have a matcher that the empty value fails. */
  matcherSets(): Matcher[][] {
    const selectors = this.all('match[]');
    if (selectors.length > MAX_SELECTORS) throw invalid('match[]', `more than ${MAX_SELECTORS} selectors`);
    return selectors.map((selector) => {
      const matchers = parseMatchers(selector);
      if (matchers.every((matcher) => matcher.matchesEmpty)) {
        throw invalid('match[]', 'match[] must contain at least one non-empty matcher');
      }
      return matchers;
    });
  }
}

export function invalid(name: string, reason: string): ApiError {
  return new ApiError('bad_data', `invalid parameter ${JSON.stringify(name)}: ${reason}`);
}

function parseMatchers(selector: string): Matcher[] {
  try {
    return [...parseSelector(selector)];
  } catch (error) {
    if (error instanceof ParseError) throw invalid('match[]', error.message);
    throw error;
  }
}

function parseTimeMs(text: string): number | undefined {
  const seconds = goFloat(text);
  if (seconds !== undefined) {
    const timeMs = Math.round(seconds * 1_000);
    return Math.abs(timeMs) <= MAX_TIME_MS ? timeMs : undefined;
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return undefined;
  const midnight = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  // The 31st of February would be taken for the 2nd of March.
  if (Number.isNaN(midnight) || !new Date(midnight).toISOString().startsWith(text.slice(0, 10)))
    return undefined;
  const timeMs = Date.parse(text);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

function parseDurationMs(text: string): number | undefined {
  const seconds = goFloat(text);
  if (seconds !== undefined) {
    const durationMs = seconds * 1_000;
    return Math.abs(durationMs) <= MAX_TIME_MS ? Math.trunc(durationMs) : undefined;
  }
  if (!/^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g))
    totalMs += Number(count) * UNITS_MS[unit];
  return totalMs;
}

function goFloat(text: string): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return undefined;
  return Number(text);
}
