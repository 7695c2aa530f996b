import { ByteWriter } from '@xscaler/encoding';
import { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { writeInt64, writeMessage } from '../protobuf/protobuf-writer.ts';

/** Of what a request sent, what wasn't stored. */
export interface PartialSuccess {
  readonly rejectedDataPoints: number;
  readonly errorMessage: string;
}

/** `ExportMetricsServiceResponse` in protobuf: empty if everything was stored. */
export function exportResponse(partial: PartialSuccess | undefined): Uint8Array<ArrayBuffer> {
  const response = new ByteWriter(256);
  if (partial !== undefined) {
    const message = new ByteWriter(256);
    message.u8(0x08);
    writeInt64(message, partial.rejectedDataPoints);
    message.u8(0x12);
    message.string(partial.errorMessage);
    writeMessage(response, 0x0a, message);
  }
  return response.take();
}

/** The same in OTLP/JSON. */
export function exportResponseJson(partial: PartialSuccess | undefined): string {
  if (partial === undefined) return '{}';
  const { rejectedDataPoints, errorMessage } = partial;
  return JSON.stringify({
    partialSuccess: { rejectedDataPoints: String(rejectedDataPoints), errorMessage },
  });
}

/** An error that a client of OTLP is told: `google.rpc.Status`. */
export interface RpcStatus {
  /** A canonical gRPC code. */
  readonly code: number;
  readonly message: string;
  /** How long to wait before the next attempt, in ms; undefined if there shouldn't be one. */
  readonly retryAfterMs?: number | undefined;
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo';

/** A `Status` in protobuf, with a `RetryInfo` if the client may come again. */
export function rpcStatus({ code, message, retryAfterMs }: RpcStatus): Uint8Array<ArrayBuffer> {
  const status = new ByteWriter(256);
  status.u8(0x08);
  writeInt64(status, code);
  status.u8(0x12);
  status.string(message);
  if (retryAfterMs !== undefined) {
    const delay = new ByteWriter(16);
    delay.u8(0x08);
    writeInt64(delay, Math.floor(retryAfterMs / 1000));
    delay.u8(0x10);
    writeInt64(delay, (Math.round(retryAfterMs) % 1000) * 1_000_000);
    const info = new ByteWriter(16);
    writeMessage(info, 0x0a, delay);
    const any = new ByteWriter(64);
    any.u8(0x0a);
    any.string(RETRY_INFO);
    writeMessage(any, 0x12, info);
    writeMessage(status, 0x1a, any);
  }
  return status.take();
}

/** The same in JSON. */
export function rpcStatusJson({ code, message, retryAfterMs }: RpcStatus): string {
  const details =
    retryAfterMs === undefined ? [] : [{ '@type': RETRY_INFO, retryDelay: `${retryAfterMs / 1000}s` }];
  return JSON.stringify({ code, message, ...(details.length > 0 ? { details } : {}) });
}

/** Code and message of a `Status` in protobuf. @throws DecodeError */
export function readRpcStatus(bytes: Uint8Array): RpcStatus {
  const reader = new ProtobufReader();
  reader.reset(bytes);
  let code = 0;
  let message = '';
  while (reader.position < reader.end) {
    const tag = reader.tag();
    if (tag === 0x08) code = reader.int64();
    else if (tag === 0x12) message = reader.text();
    else reader.skip(tag);
  }
  return { code, message };
}
