import { Metadata, type ServiceError, type StatusObject, status } from '@grpc/grpc-js';
import {
  fromWireError,
  RpcError,
  type RpcErrorCode,
  toWireError,
  UnconnectedError,
  type WireError,
} from '../rpc-error.ts';
import { ERROR_TRAILER } from './ingester-proto.ts';

/** Trailers are headers: small. */
const MAX_MESSAGE_CHARACTERS = 1000;
const MAX_STACK_CHARACTERS = 2000;

/** Canonical codes of errors known by their code; every other is the service's own fault. */
const STATUS_OF: Readonly<Record<string, status>> = {
  closed: status.UNAVAILABLE,
  overloaded: status.RESOURCE_EXHAUSTED,
  unknown_method: status.UNIMPLEMENTED,
  unavailable: status.UNAVAILABLE,
  deadline_exceeded: status.DEADLINE_EXCEEDED,
  refused: status.PERMISSION_DENIED,
  too_large: status.RESOURCE_EXHAUSTED,
  protocol: status.INVALID_ARGUMENT,
};

/** Codes of answers that don't come from our server: the connection's, or somebody else's. */
const CODE_OF: Readonly<Partial<Record<status, RpcErrorCode>>> = {
  [status.DEADLINE_EXCEEDED]: 'deadline_exceeded',
  [status.PERMISSION_DENIED]: 'refused',
  [status.UNAUTHENTICATED]: 'refused',
  [status.RESOURCE_EXHAUSTED]: 'too_large',
  [status.UNIMPLEMENTED]: 'unknown_method',
  [status.INVALID_ARGUMENT]: 'protocol',
};

/** What a method threw, as a call's status: the canonical code for everybody, the error itself in a trailer. */
export function statusOf(error: unknown): StatusObject {
  const wire = shortened(toWireError(error));
  const metadata = new Metadata();
  metadata.set(ERROR_TRAILER, Buffer.from(JSON.stringify(wire)));
  const code =
    wire.name === 'AbortError' ? status.CANCELLED : (STATUS_OF[wire.code ?? ''] ?? status.INTERNAL);
  // Half a surrogate pair can't be percent-encoded.
  return { code, details: wire.message.toWellFormed(), metadata };
}

/** The error behind a failed call: what the method threw, else what happened to the connection. */
export function errorOf(failure: ServiceError): Error {
  const [trailer] = failure.metadata?.get(ERROR_TRAILER) ?? [];
  if (trailer instanceof Buffer) {
    try {
      return fromWireError(JSON.parse(trailer.toString()) as WireError);
    } catch {
      // Not ours: the status says what can be said.
    }
  }
  const message = failure.details ?? failure.message;
  if (failure.code === status.UNAVAILABLE) return new UnconnectedError(message, { cause: failure });
  return new RpcError(CODE_OF[failure.code] ?? 'unavailable', message, { cause: failure });
}

function shortened(wire: WireError): WireError {
  return {
    ...wire,
    message: wire.message.slice(0, MAX_MESSAGE_CHARACTERS),
    stack: wire.stack?.slice(0, MAX_STACK_CHARACTERS),
  };
}
