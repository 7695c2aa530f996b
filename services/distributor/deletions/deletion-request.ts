import type { Matcher } from '@xscaler/model';
import { ParseError } from '@xscaler/promql/errors';
import { parseSelector } from '@xscaler/promql/parser';
import type { UpstreamRequest } from '@xscaler/rpc';
import { MAX_TIMESTAMP_MS } from '@xscaler/wire/log-record';

/** Limits on the selectors of one deletion, and on their bytes: every read of the tenant checks each until blocks are rewritten. */
const MAX_SELECTORS = 100;
const MAX_SELECTOR_BYTES = 64 * 1024;

/**
 * Limit on the states of all regular expressions of one deletion. Ingesters that read it in the log, and all later reads of the tenant,
 * match them with every label value and must not stop before the end.
 */
const MAX_SELECTOR_STATES = 1_000;

/** A deletion. Times in ms, inclusive. */
export interface DeletionRequest {
  readonly matcherSets: readonly (readonly Matcher[])[];
  readonly startMs: number;
  readonly endMs: number;
}

/** The request is invalid; the message is for the client. */
export class BadDeletionError extends Error {
  override readonly name = 'BadDeletionError';
}

/**
 * Reads `match[]`, `start` and `end` from query and form as Prometheus' `delete_series` does: series of any of the selectors,
 * and all times if a bound is absent.
 * @throws BadDeletionError
 */
export function readDeletionRequest(request: UpstreamRequest): DeletionRequest {
  const parameters = parametersOf(request);
  const selectors = parameters.getAll('match[]');
  if (selectors.length === 0) throw new BadDeletionError('no match[] parameter provided');
  if (selectors.length > MAX_SELECTORS)
    throw invalid('match[]', `at most ${MAX_SELECTORS} selectors are allowed`);
  const bytes = selectors.reduce((sum, selector) => sum + Buffer.byteLength(selector), 0);
  if (bytes > MAX_SELECTOR_BYTES)
    throw invalid('match[]', `the selectors must not exceed ${MAX_SELECTOR_BYTES} bytes`);
  const matcherSets = selectors.map(matchersOf);
  const states = matcherSets.flat().reduce((sum, matcher) => sum + matcher.states, 0);
  if (states > MAX_SELECTOR_STATES) {
    const most = `${states} states, limit ${MAX_SELECTOR_STATES}`;
    throw invalid('match[]', `the regular expressions are too large: ${most}`);
  }
  const startMs = timeMs(parameters, 'start', -MAX_TIMESTAMP_MS);
  const endMs = timeMs(parameters, 'end', MAX_TIMESTAMP_MS);
  if (endMs < startMs) throw new BadDeletionError('end timestamp must not be before start timestamp');
  return { matcherSets, startMs, endMs };
}

function parametersOf({ method, query, headers, body }: UpstreamRequest): URLSearchParams {
  const parameters = new URLSearchParams(query);
  const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  if (method !== 'POST' || !isForm) return parameters;
  // Form values precede the query, as in Go's Request.Form.
  const form = new URLSearchParams(Buffer.from(body).toString('utf8'));
  for (const [name, value] of parameters) form.append(name, value);
  return form;
}

function matchersOf(selector: string): readonly Matcher[] {
  let matchers: readonly Matcher[];
  try {
    matchers = parseSelector(selector);
  } catch (error) {
    if (error instanceof ParseError) throw invalid('match[]', error.message);
    throw error;
  }
  if (matchers.every((matcher) => matcher.matchesEmpty))
    throw invalid('match[]', 'match[] must contain at least one non-empty matcher');
  return matchers;
}

/** Seconds since the epoch, or RFC 3339. */
function timeMs(parameters: URLSearchParams, name: string, byDefaultMs: number): number {
  const text = parameters.get(name) ?? '';
  if (text === '') return byDefaultMs;
  const isSeconds = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text);
  const isDate = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text);
  const ms = isSeconds ? Math.round(Number(text) * 1_000) : isDate ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw invalid(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return Math.max(-MAX_TIMESTAMP_MS, Math.min(MAX_TIMESTAMP_MS, ms));
}

function invalid(name: string, reason: string): BadDeletionError {
  return new BadDeletionError(`invalid parameter ${JSON.stringify(name)}: ${reason}`);
}
