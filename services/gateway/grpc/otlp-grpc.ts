import { type AddressInfo, createServer, type Socket } from 'node:net';
import {
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServiceDefinition,
  status as StatusCode,
} from '@grpc/grpc-js';
import { REQUEST_ID_HEADER, requestIdOf, type UpstreamResponse } from '@xscaler/rpc';
import { acceptSockets } from '@xscaler/runtime/http';
import { readRpcStatus, rpcStatus } from '@xscaler/wire/otlp';
import { ArrivingMessage, type MessageBounds } from '../bodies/arriving-message.ts';
import { statusOfRefusal } from '../refusals/otlp-refusal.ts';
import { Refusal } from '../refusals/refusal.ts';

type PartialStatusObject = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

/** How a call ends. */
interface CallStatus {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata;
}

const EXPORT_PATH = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

/** What gRPC servers take by default, the OpenTelemetry Collector too: no client sends more without being told to. */
export const GRPC_MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Of one connection: what waits to be sent, and its streams. */
const SESSION_MEMORY_MB = 10;

/** Bounds of a gRPC server. Times in ms. */
export interface GrpcLimits {
  /** A connection on which nothing comes is asked for a sign of life, and cut off if there is none. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  keepaliveMs: 60_000,
  keepaliveTimeoutMs: 20_000,
};

/** An export that was let in; to be released when it is done, whatever came of it. */
export interface AdmittedExport {
  /** Of the message that comes. */
  readonly bounds: Omit<MessageBounds, 'onFault'>;
  /** Counts what ends it before its message is whole. */
  refused(error: unknown): Refusal;
  /** Passes the message on. Aborted by the signal. @throws Refusal */
  pass(message: Uint8Array, signal: AbortSignal): Promise<UpstreamResponse>;
  release(): void;
}

/** Who lets exports in, before their message is read. */
export interface ExportIntake {
  /** @param rawHeaders names and values in turn. @throws Refusal */
  admitExport(rawHeaders: readonly string[], requestId: string): AdmittedExport;
  /** An export was answered, with a canonical code. */
  noteExport(code: number, durationMs: number): void;
}

export interface OtlpGrpcServer {
  /**
   * Listens in plain text as well; a connection beyond `maxConnections` is closed at once.
   * @returns the port
   * @throws Error if the address can't be had
   */
  listen(host: string, port: number, maxConnections: number): Promise<number>;
  /** Takes over an open connection that speaks HTTP/2. */
  takeOver(connection: Socket): void;
  /** Takes no more calls, lets those running end for this long, then breaks them off. */
  close(graceMs: number): Promise<void>;
}

/**
 * OTLP/gRPC: `MetricsService/Export`, with the two headers of every request as metadata. Both are checked before a byte of
 * the message is read. Messages are passed on unchanged; the distributor's answers are those of OTLP/HTTP.
 */
export function createOtlpGrpcServer(
  intake: ExportIntake,
  clock: () => number,
  limits: Partial<GrpcLimits> = {},
): OtlpGrpcServer {
  const { keepaliveMs, keepaliveTimeoutMs } = { ...DEFAULT_GRPC_LIMITS, ...limits };
  const admitted = new WeakMap<Metadata, AdmittedExport>();
  const server = new Server({
    'grpc.max_receive_message_length': GRPC_MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': 256,
    // A client that reads no answers can open no further calls: grpc-js would keep answers without bound.
    'grpc-node.max_session_memory': SESSION_MEMORY_MB,
    'grpc.keepalive_time_ms': keepaliveMs,
    'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
    interceptors: [(_method, call) => admission(intake, admitted, call, clock)],
  });
  server.addService(EXPORT_SERVICE, {
    Export: ((call, callback) => {
      const aborter = new AbortController();
      call.on('cancelled', () => aborter.abort(new Error('the client cancelled the call')));
      exportMetrics(admitted.get(call.metadata), call.request, aborter.signal).then(
        (response) => callback(null, Buffer.from(response)),
        (error: CallStatus) => callback(error),
      );
    }) satisfies handleUnaryCall<Buffer, Buffer>,
  });
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const listeners: (() => Promise<void>)[] = [];
  return {
    listen: async (host, port, maxConnections) => {
      const listener = createServer({ noDelay: true }, (socket) => injector.injectConnection(socket));
      const further = await acceptSockets(listener, { host, port, maxConnections });
      // A connection that could not be accepted: no file descriptor is left.
      listener.on('error', () => {});
      listeners.push(async () => {
        const closed = new Promise((resolve) => listener.close(resolve));
        await Promise.all([closed, further.close()]);
      });
      return (listener.address() as AddressInfo).port;
    },
    takeOver: (connection) => injector.injectConnection(connection),
    close: async (graceMs) => {
      const closed = Promise.all(listeners.map((one) => one()));
      await close(server, () => injector.drain(graceMs), graceMs);
      await closed;
    },
  };
}

const raw = (bytes: Buffer) => bytes;

const EXPORT_SERVICE: ServiceDefinition = {
  Export: {
    path: EXPORT_PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: raw,
    requestDeserialize: raw,
    responseSerialize: raw,
    responseDeserialize: raw,
  },
};

/** Checks a call's metadata and cuts it off if its message doesn't come. */
function admission(
  intake: ExportIntake,
  admitted: WeakMap<Metadata, AdmittedExport>,
  call: ServerInterceptingCallInterface,
  clock: () => number,
): ServerInterceptingCall {
  const startMs = clock();
  let letIn: AdmittedExport | undefined;
  let message: ArrivingMessage | undefined;
  let requestId = '';
  let isOver = false;
  const end = (code: number) => {
    if (isOver) return;
    isOver = true;
    intake.noteExport(code, clock() - startMs);
    message?.stop();
    letIn?.release();
  };
  // Some statuses are grpc-js's own, of a message that is too large for one, and pass by all interceptors.
  const send = call.sendStatus.bind(call);
  call.sendStatus = (answer) => {
    end(answer.code ?? StatusCode.OK);
    send(identified(answer, requestId));
  };
  return new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          requestId = requestIdOf(metadata.get(REQUEST_ID_HEADER)[0]?.toString());
          const refuse = (error: unknown) => call.sendStatus(statusOfError(error));
          try {
            const taken = intake.admitExport(headersOf(metadata), requestId);
            letIn = taken;
            const onFault = (error: unknown) => refuse(taken.refused(error));
            message = new ArrivingMessage(call, { ...taken.bounds, onFault });
            admitted.set(metadata, taken);
          } catch (error) {
            refuse(letIn === undefined ? error : letIn.refused(error));
            return;
          }
          pass(metadata);
        },
        onReceiveHalfClose: (pass) => {
          message?.arrived();
          pass();
        },
        onCancel: () => end(StatusCode.CANCELLED),
      }),
  });
}

/** A call's status with the id of its request among the trailers. */
function identified(answer: PartialStatusObject, requestId: string): PartialStatusObject {
  const metadata = answer.metadata ?? new Metadata();
  metadata.set(REQUEST_ID_HEADER, requestId);
  return { ...answer, metadata };
}

function headersOf(metadata: Metadata): string[] {
  const headers: string[] = [];
  for (const name of ['authorization', 'x-scope-orgid']) {
    const values = metadata.get(name);
    if (values.length > 0) headers.push(name, values.join(','));
  }
  return headers;
}

/** @throws CallStatus */
async function exportMetrics(
  admitted: AdmittedExport | undefined,
  message: Buffer,
  signal: AbortSignal,
): Promise<Uint8Array> {
  let response: UpstreamResponse;
  try {
    if (admitted === undefined) throw new Error('a call that was not let in');
    response = await admitted.pass(message, signal);
  } catch (error) {
    throw statusOfError(error);
  }
  if (response.status === 200) return response.body;
  const { code, message: details } = readRpcStatus(response.body);
  throw withDetails(code, details, response.body);
}

function statusOfError(error: unknown): CallStatus {
  // A call that its client has cancelled: nobody reads this.
  if (!(error instanceof Refusal)) return { code: StatusCode.INTERNAL, details: 'internal error' };
  const status = statusOfRefusal(error);
  return withDetails(status.code, status.message, rpcStatus(status));
}

/** The `Status` itself goes along, as clients look for `RetryInfo` there. */
function withDetails(code: number, details: string, status: Uint8Array): CallStatus {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.from(status));
  return { code, details, metadata };
}

function close(server: Server, drain: () => void, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    drain();
    const cut = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}
