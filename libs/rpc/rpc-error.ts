/**
 * code              | meaning                                                          | same call later
 * ------------------|------------------------------------------------------------------|----------------
 * closed            | the port or client is closed: the thread behind it ended         | no
 * overloaded        | as many calls or bytes as allowed are in flight                  | yes
 * unknown_method    | the callee has no such method                                    | no
 * unavailable       | nobody answered, or the connection was lost                      | yes
 * deadline_exceeded | no answer in the time allowed                                    | yes
 * refused           | the callee doesn't know our secret                               | no
 * too_large         | a body or reply is over its bound                                | no
 * protocol          | the other side doesn't say what was agreed                       | no
 */
export type RpcErrorCode =
  | 'closed'
  | 'overloaded'
  | 'unknown_method'
  | 'unavailable'
  | 'deadline_exceeded'
  | 'refused'
  | 'too_large'
  | 'protocol';

/** A fault of the connection itself, not of the method behind it. */
export class RpcError extends Error {
  override readonly name = 'RpcError';
  readonly code: RpcErrorCode;

  constructor(code: RpcErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** There was no connection, or it was lost before there was an answer: another one may get one. */
export class UnconnectedError extends RpcError {
  constructor(message: string, options?: ErrorOptions) {
    super('unavailable', message, options);
  }
}

/** An error as it travels. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
}

/**
 * What a method threw in another thread: `name`, `message`, `code` and `stack` are those of the original.
 * Its class is not: tell errors apart by `code` (or `name`), never by `instanceof`.
 */
export class RemoteError extends Error {
  override readonly name: string;
  readonly code: string | undefined;

  constructor(wire: WireError) {
    super(wire.message);
    this.name = wire.name;
    this.code = wire.code;
    if (wire.stack !== undefined) this.stack = wire.stack;
  }
}

export function toWireError(error: unknown): WireError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), code: undefined, stack: undefined };
  }
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: error.message,
    // A DOMException's code is a useless number; its name identifies the error.
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack,
  };
}

export function fromWireError(wire: WireError): Error {
  if (wire.name === 'RpcError') return new RpcError(wire.code as RpcErrorCode, wire.message);
  return new RemoteError(wire);
}
