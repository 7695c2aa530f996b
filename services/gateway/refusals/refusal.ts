/** What a request is refused for by the gateway itself. */
export type RefusalCode =
  | 'bad_tenant'
  | 'bad_request'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'body_too_large'
  | 'slow_body'
  | 'bodies_full'
  | 'rate_limited'
  | 'answer_too_large'
  | 'unread_answers'
  | 'answers_full'
  | 'timeout'
  | 'unavailable'
  | 'internal';

interface RefusalAnswer {
  readonly status: number;
  /** `errorType` of the Prometheus envelope. */
  readonly errorType: string;
}

export const REFUSALS: Readonly<Record<RefusalCode, RefusalAnswer>> = {
  bad_tenant: { status: 400, errorType: 'bad_data' },
  bad_request: { status: 400, errorType: 'bad_data' },
  unauthenticated: { status: 401, errorType: 'unauthorized' },
  forbidden: { status: 403, errorType: 'forbidden' },
  not_found: { status: 404, errorType: 'not_found' },
  method_not_allowed: { status: 405, errorType: 'bad_data' },
  body_too_large: { status: 413, errorType: 'too_large_entry' },
  // Too little of it came in a given time.
  slow_body: { status: 408, errorType: 'bad_data' },
  // Other bodies hold all the memory there is for bodies.
  bodies_full: { status: 503, errorType: 'unavailable' },
  rate_limited: { status: 429, errorType: 'too_many_requests' },
  // More than may be held for all answers together.
  answer_too_large: { status: 422, errorType: 'execution' },
  // Answers that the tenant has not read yet, and those of all tenants together, hold all the memory there is for answers.
  unread_answers: { status: 429, errorType: 'too_many_requests' },
  answers_full: { status: 503, errorType: 'unavailable' },
  timeout: { status: 503, errorType: 'timeout' },
  unavailable: { status: 503, errorType: 'unavailable' },
  internal: { status: 500, errorType: 'internal' },
};

/** Ends a request with an answer that is the gateway's own. The message is for the client. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly code: RefusalCode;
  /** Further headers of the answer. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: RefusalCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    // An answer, not a fault of ours: where it comes from is of no use, and finding that out would be half of its cost.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.headers = headers;
  }
}

/** One same answer for every way of not being who one says: a caller never learns which tenants and tokens exist. */
export function unauthenticated(): Refusal {
  return new Refusal('unauthenticated', 'invalid or missing credentials', { 'www-authenticate': 'Bearer' });
}

/** A retry after this long may be accepted. Nothing of the request was accepted. */
export function unavailable(message: string, retryAfterSeconds = 1): Refusal {
  return new Refusal('unavailable', message, { 'retry-after': String(retryAfterSeconds) });
}
