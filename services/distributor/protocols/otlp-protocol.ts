import { setImmediate } from 'node:timers/promises';
import type { UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import {
  exportResponse,
  exportResponseJson,
  JsonTranscoder,
  type PartialSuccess,
  type RpcStatus,
  rpcStatus,
  rpcStatusJson,
} from '@xscaler/wire/otlp';
import type { EncodedPush } from '../encoding/push-encoder.ts';
import { type BodyExpansion, isKnownEncoding } from './body-expansion.ts';
import {
  mediaType,
  retryAfterSeconds,
  type WriteFailure,
  type WriteOutcome,
  type WriteProtocol,
} from './write-protocol.ts';

export const OTLP_PATHS: readonly string[] = ['/otlp/v1/metrics', '/v1/metrics'];

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';

/** JSON is read in steps of this size, a millisecond or two each; other requests run between them. */
const JSON_STEP_BYTES = 256 * 1024;

/** Canonical gRPC codes by HTTP status. */
const CODES: Readonly<Record<WriteFailure['status'], number>> = {
  400: 3, // INVALID_ARGUMENT
  404: 5, // NOT_FOUND
  405: 12, // UNIMPLEMENTED
  413: 3,
  415: 3,
  429: 8, // RESOURCE_EXHAUSTED
  500: 13, // INTERNAL
  503: 14, // UNAVAILABLE
};

/**
 * OTLP/HTTP ("OpenTelemetry Protocol Specification", OTLP/HTTP): protobuf or JSON, answered in the same format. Points
 * that are refused are a partial success; errors are a `Status`, with a `RetryInfo` if the client may retry.
 * OTLP/gRPC requests arrive here as protobuf, too.
 */
export class OtlpProtocol implements WriteProtocol {
  readonly format = 'otlp';
  readonly #expansion: BodyExpansion;

  constructor(expansion: BodyExpansion) {
    this.#expansion = expansion;
  }

  fault({ headers }: UpstreamRequest): WriteFailure | undefined {
    const { type } = mediaType(headers['content-type']);
    if (type !== PROTOBUF && type !== JSON_TYPE) {
      return { status: 415, text: `content-type must be ${PROTOBUF} or ${JSON_TYPE}` };
    }
    if (!isKnownEncoding(headers['content-encoding'])) {
      return { status: 415, text: 'content-encoding must be gzip, zstd, deflate or identity' };
    }
    return undefined;
  }

  async expand({ body, headers }: UpstreamRequest, maxBytes: number): Promise<Uint8Array> {
    const expanded = await this.#expansion.expand(body, headers['content-encoding'], maxBytes);
    if (!isJson(headers)) return expanded;
    const transcoder = new JsonTranscoder(expanded);
    while (!transcoder.step(JSON_STEP_BYTES)) await setImmediate();
    return transcoder.take();
  }

  answer({ headers }: UpstreamRequest, outcome: WriteOutcome): UpstreamResponse {
    const asJson = isJson(headers);
    if (outcome.push !== undefined) {
      const partial = partialSuccess(outcome.push);
      return answer(200, asJson ? exportResponseJson(partial) : exportResponse(partial), asJson);
    }
    const { status, text, retryAfterMs } = outcome;
    const rpc: RpcStatus = { code: CODES[status], message: text, retryAfterMs };
    return answer(status, asJson ? rpcStatusJson(rpc) : rpcStatus(rpc), asJson, {
      ...outcome.headers,
      ...(retryAfterMs !== undefined && { 'retry-after': retryAfterSeconds(retryAfterMs) }),
    });
  }
}

function partialSuccess({ refusals, storedSamples }: EncodedPush): PartialSuccess | undefined {
  // Without rejected points it is a warning, by the specification.
  if (refusals.none && refusals.thinnedExemplars === 0) return undefined;
  return { rejectedDataPoints: refusals.pointCount, errorMessage: refusals.text(storedSamples).trimEnd() };
}

function isJson(headers: UpstreamRequest['headers']): boolean {
  return mediaType(headers['content-type']).type === JSON_TYPE;
}

function answer(
  status: number,
  body: Uint8Array | string,
  asJson: boolean,
  headers: Readonly<Record<string, string>> = {},
): UpstreamResponse {
  return {
    status,
    headers: {
      'content-type': asJson ? JSON_TYPE : PROTOBUF,
      'x-content-type-options': 'nosniff',
      ...headers,
    },
    body: typeof body === 'string' ? new Uint8Array(Buffer.from(body)) : body,
  };
}
