import {
  internalErrorText,
  knownFailure,
  REQUEST_ID_HEADER,
  requestIdOf,
  type UpstreamRequest,
} from '@xscaler/rpc';
import type { WriteFailure } from '../protocols/write-protocol.ts';
import type { DistributorLogger } from './logger.ts';

/** A 503 has a random `Retry-After` of 3 to 7 s, so that clients don't all return at once. */
const FIRST_RETRY_SECONDS = 3;
const RETRY_WITHIN_SECONDS = 5;

export interface WriteFailuresOptions {
  readonly logger: DistributorLogger;
  /** From 0 up to 1, spreads retries; `Math.random` if absent. */
  readonly random?: () => number;
}

/** Turns what went wrong into answers. */
export class WriteFailures {
  readonly #logger: DistributorLogger;
  readonly #random: () => number;

  constructor({ logger, random = Math.random }: WriteFailuresOptions) {
    this.#logger = logger;
    this.#random = random;
  }

  /** A 503: the client sends the request again after a few seconds. */
  unavailable(text: string): WriteFailure {
    const seconds = FIRST_RETRY_SECONDS + Math.floor(this.#random() * RETRY_WITHIN_SECONDS);
    return { status: 503, text, retryAfterMs: 1000 * seconds };
  }

  /** Logs the error. A known one is a 503, any other is a bug: 500. */
  failed({ tenant, path, headers }: UpstreamRequest, err: unknown): WriteFailure {
    const requestId = requestIdOf(headers[REQUEST_ID_HEADER]);
    const cause = knownFailure(err);
    if (cause === undefined) {
      this.#logger.error({ requestId, tenant, path, err }, 'a write failed because of a bug');
      return { status: 500, text: internalErrorText(requestId) };
    }
    this.#logger.warn({ requestId, tenant, path, err }, 'a write could not be made durable');
    return this.unavailable(cause);
  }
}
