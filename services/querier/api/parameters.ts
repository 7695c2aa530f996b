import type { Matcher } from '@xscaler/model';
import { ParseError, parseSelector } from '@xscaler/promql';
import type { UpstreamRequest } from '@xscaler/rpc';
import { ApiError, invalid } from '../answer/api-error.ts';

/** Bounds of an open time range: what JavaScript's dates can hold, ms. */
export const MIN_TIME_MS = -8_640_000_000_000_000;
export const MAX_TIME_MS = 8_640_000_000_000_000;

/** The longest duration in nanoseconds that 64 bits hold, ms. */
const MAX_DURATION_MS = 2 ** 63 / 1e6;

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
    this.#values = new URLSearchParams(readable(request.query));
    const contentType = request.headers['content-type'] ?? '';
    if (request.method !== 'POST' || !contentType.startsWith('application/x-www-form-urlencoded')) return;
    // Form values come first, as in Go's Request.Form.
    const form = new URLSearchParams(readable(Buffer.from(request.body).toString('utf8')));
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
    if (timeMs === undefined) throw invalid(name, `Invalid time value for '${name}': ${notATime(text)}`);
    return timeMs;
  }

  /** A time that must be given. */
  requiredTimeMs(name: string): number {
    const text = this.text(name);
    const timeMs = parseTimeMs(text);
    if (timeMs === undefined) throw invalid(name, notATime(text));
    return timeMs;
  }

  /** A duration such as `5m`, or seconds. Undefined if the parameter is absent. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === '') return undefined;
    return parseDuration(text, (reason) => invalid(name, reason));
  }

  /** How far an instant selector looks back, if the request says so. */
  lookbackDeltaMs(): number | undefined {
    const text = this.text('lookback_delta');
    if (text === '') return undefined;
    const refuse = (reason: string) =>
      new ApiError('bad_data', `error parsing lookback delta duration: ${reason}`);
    const durationMs = parseDuration(text, refuse);
    // What is not positive means the default, as in Prometheus.
    return durationMs > 0 ? durationMs : undefined;
  }

  /** 0 means no limit. */
  limit(): number {
    const text = this.text('limit');
    if (text === '') return 0;
    if (!/^[+-]?\d+$/.test(text))
      throw invalid('limit', `strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
    const limit = Number(text);
    if (limit < 0) throw invalid('limit', 'limit must be non-negative');
    return limit;
  }

  /**
   * The `match[]` selectors; each must have a matcher that the empty value fails.
   * @throws ApiError without the parameter's name, like Prometheus for all paths but `series`
   */
  matcherSets(): Matcher[][] {
    const selectors = this.all('match[]');
    if (selectors.length > MAX_SELECTORS) throw invalid('match[]', `more than ${MAX_SELECTORS} selectors`);
    return selectors.map((selector) => {
      const matchers = parseMatchers(selector);
      if (matchers.every((matcher) => matcher.matchesEmpty)) {
        throw new ApiError('bad_data', 'match[] must contain at least one non-empty matcher');
      }
      return matchers;
    });
  }
}

/** Without pairs that Go's `url.ParseQuery` cannot read: a broken escape, a semicolon. */
function readable(query: string): string {
  return query
    .split('&')
    .filter((pair) => !/;|%(?![0-9a-fA-F]{2})/.test(pair))
    .join('&');
}

function parseMatchers(selector: string): Matcher[] {
  try {
    return [...parseSelector(selector)];
  } catch (error) {
    if (error instanceof ParseError) throw new ApiError('bad_data', error.message);
    throw error;
  }
}

function notATime(text: string): string {
  return `cannot parse ${JSON.stringify(text)} to a valid timestamp`;
}

/** The ends of time as Prometheus spells them, which clients take from its configuration. */
const EDGES_OF_TIME_MS: Readonly<Record<string, number>> = {
  '-292273086-05-16T16:47:06Z': MIN_TIME_MS,
  '292277025-08-18T07:12:54.999999999Z': MAX_TIME_MS,
};

function parseTimeMs(text: string): number | undefined {
  if (Object.hasOwn(EDGES_OF_TIME_MS, text)) return EDGES_OF_TIME_MS[text];
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

/** A duration in ms, cut to whole ones. */
function parseDuration(text: string, refuse: (reason: string) => ApiError): number {
  const seconds = goFloat(text);
  const durationMs = seconds === undefined ? parseDurationMs(text) : seconds * 1_000;
  const fault = `cannot parse ${JSON.stringify(text)} to a valid duration`;
  if (durationMs === undefined) throw refuse(fault);
  if (Math.abs(durationMs) > MAX_DURATION_MS) throw refuse(`${fault}. It overflows int64`);
  return Math.trunc(durationMs);
}

function parseDurationMs(text: string): number | undefined {
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
