import type { UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import type { EncodedPush } from '../encoding/push-encoder.ts';
import type { WriteFormat } from '../encoding/write-sources.ts';

/** The outcome of a write request, before its protocol turns it into an answer. */
export type WriteOutcome =
  /** Durable in the log, except for refused parts. */
  | { readonly push: EncodedPush }
  /** No part is stored. */
  | WriteFailure;

export interface WriteFailure {
  readonly push?: undefined;
  readonly status: 400 | 404 | 405 | 413 | 415 | 429 | 500 | 503;
  readonly text: string;
  /** Delay before a retry, in ms, if a retry makes sense. */
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A protocol of writes: expands a request's body for `WriteSources`, and answers it. */
export interface WriteProtocol {
  readonly format: WriteFormat;
  /** A fault of the request that shows before its body is read. */
  fault(request: UpstreamRequest): WriteFailure | undefined;
  /**
   * The expanded body, valid until another is expanded.
   * @throws TooLargeError if the body expands to more than `maxBytes`
   * @throws DecodeError if it doesn't match its headers
   */
  expand(request: UpstreamRequest, maxBytes: number): Uint8Array | Promise<Uint8Array>;
  answer(request: UpstreamRequest, outcome: WriteOutcome): UpstreamResponse;
}

/** A media type in lower case, and its parameters. */
export function mediaType(contentType: string | undefined): {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
} {
  const [type, ...rest] = (contentType ?? '').split(';');
  const parameters = new Map<string, string>();
  for (const parameter of rest) {
    const [name, value = ''] = parameter.split('=');
    parameters.set(name.trim().toLowerCase(), value.trim().replaceAll('"', ''));
  }
  return { type: type.trim().toLowerCase(), parameters };
}

/** `Retry-After` is in whole seconds, at least one. */
export function retryAfterSeconds(afterMs: number): string {
  return String(Math.max(1, Math.ceil(afterMs / 1000)));
}
