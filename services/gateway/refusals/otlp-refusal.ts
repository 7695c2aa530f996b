import { type RpcStatus, rpcStatus, rpcStatusJson } from '@xscaler/wire/otlp';
import type { Refusal, RefusalCode } from './refusal.ts';

/** Canonical gRPC codes. */
const CODES: Readonly<Record<RefusalCode, number>> = {
  bad_tenant: 3, // INVALID_ARGUMENT
  bad_request: 3,
  unauthenticated: 16, // UNAUTHENTICATED
  forbidden: 7, // PERMISSION_DENIED
  not_found: 5, // NOT_FOUND
  method_not_allowed: 12, // UNIMPLEMENTED
  body_too_large: 3,
  slow_body: 4, // DEADLINE_EXCEEDED
  bodies_full: 14, // UNAVAILABLE
  rate_limited: 8, // RESOURCE_EXHAUSTED
  answer_too_large: 8,
  unread_answers: 8,
  answers_full: 14,
  timeout: 14,
  unavailable: 14,
  internal: 13, // INTERNAL
};

/** A refusal as clients of OTLP are told: with a `RetryInfo` if they may come again. */
export function statusOfRefusal({ code, message, headers }: Refusal): RpcStatus {
  const retryAfter = headers['retry-after'];
  return {
    code: CODES[code],
    message,
    ...(retryAfter !== undefined && { retryAfterMs: 1000 * Number(retryAfter) }),
  };
}

/** The body for a refusal of an OTLP/HTTP request, in the encoding that the request came in. */
export function otlpRefusalBody(
  refusal: Refusal,
  requestType: string | undefined,
): { readonly contentType: string; readonly body: Uint8Array } {
  const status = statusOfRefusal(refusal);
  if ((requestType ?? '').trim().toLowerCase().startsWith('application/json')) {
    return { contentType: 'application/json', body: Buffer.from(rpcStatusJson(status)) };
  }
  return { contentType: 'application/x-protobuf', body: rpcStatus(status) };
}
