import type { UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import type { EncodedPush } from '../encoding/push-encoder.ts';
import type { WriteFormat } from '../encoding/write-sources.ts';

/** What became of a write request, before it is put in the words of its protocol. */
export type WriteOutcome =
  /** Durable in the log, as far as it wasn't refused. */
  | { readonly push: EncodedPush }
  /** Nothing of it is stored. */
  | WriteFailure;

export interface WriteFailure {
  readonly push?: undefined;
  readonly status: 400 | 404 | 405 | 413 | 415 | 429 | 500 | 503;
  readonly text: string;
  /** When to come again, in ms, if that makes sense. */
  readonly retryAfterMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A way in: how a request's body becomes what `WriteSources` reads, and how it is answered. */
export interface WriteProtocol {
  readonly format: WriteFormat;
  /** What can be said against the request without looking at its body. */
  fault(request: UpstreamRequest): WriteFailure | undefined;
  /**
   * The expanded body, valid until another is expanded.
   * @throws TooLargeError if the body expands to more than `maxBytes`
   * @throws DecodeError if it isn't what its headers say
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
