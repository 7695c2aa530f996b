import type { Dispatcher, errors, Pool } from 'undici';
import { fromWireError, RpcError, type WireError } from '../rpc-error.ts';
import type { AnswerRoom, UpstreamResponse } from './http-exchange.ts';
import { endToEndHeaders, FAULT_HEADER } from './http-headers.ts';

export interface HttpCallLimits {
  readonly headersTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly maxResponseBytes: number;
}

export interface HttpCallRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  /** Flat pairs. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** Asked before an answer's body is read: until there is room for it, it stays with the other side. */
  readonly room?: AnswerRoom | undefined;
}

/**
 * How far a call came.
 *
 * unsent    | nothing left this process
 * declined  | the other side was too busy to begin
 * lost      | it was sent, and may have been worked on; no whole answer came
 * answered  | there is an answer, or an error that another address would give as well
 * cancelled | by the caller
 */
export type CallOutcome = 'unsent' | 'declined' | 'lost' | 'answered' | 'cancelled';

/**
 * One request on a connection of a pool. Undici's dispatch is used unchanged, because `request` doesn't tell
 * whether anything was sent, and makes a stream of the answer.
 */
export class HttpCall implements Dispatcher.DispatchHandler {
  /** Rejects at once when the signal is aborted. */
  readonly response: Promise<UpstreamResponse>;
  outcome: CallOutcome = 'unsent';
  readonly #signal: AbortSignal;
  readonly #limits: HttpCallLimits;
  readonly #room: AnswerRoom | undefined;
  readonly #onReleased: (outcome: CallOutcome) => void;
  #resolve!: (response: UpstreamResponse) => void;
  #reject!: (error: unknown) => void;
  #controller: Dispatcher.DispatchController | undefined;
  #released = false;
  #status = 0;
  #headers: Record<string, string | string[] | undefined> = {};
  #chunks: Uint8Array[] = [];
  #receivedBytes = 0;

  /** `onReleased` is called once, when the pool is done with the request. */
  constructor(
    pool: Pool,
    request: HttpCallRequest,
    signal: AbortSignal,
    limits: HttpCallLimits,
    onReleased: (outcome: CallOutcome) => void,
  ) {
    this.#signal = signal;
    this.#limits = limits;
    this.#room = request.room;
    this.#onReleased = onReleased;
    this.response = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal.addEventListener('abort', this.#abort);
    const { method, path, query, headers, body } = request;
    pool.dispatch(
      {
        method,
        path: query === '' ? path : `${path}?${query}`,
        headers: headers as string[],
        body: body.byteLength === 0 ? null : body,
        headersTimeout: limits.headersTimeoutMs,
        bodyTimeout: limits.bodyTimeoutMs,
      },
      this,
    );
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.outcome === 'cancelled') controller.abort(asError(this.#signal.reason));
    else this.outcome = 'lost';
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    const bytes = Number(headers['content-length'] ?? 0);
    if (bytes > this.#limits.maxResponseBytes) controller.abort(tooLarge());
    else if (bytes > 0 && this.#room !== undefined) this.#waitForRoom(controller, this.#room(bytes));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#receivedBytes += chunk.byteLength;
    if (this.#receivedBytes > this.#limits.maxResponseBytes) controller.abort(tooLarge());
    else this.#chunks.push(chunk);
  }

  #waitForRoom(controller: Dispatcher.DispatchController, room: Promise<void>): void {
    controller.pause();
    room.then(
      () => controller.resume(),
      (reason: unknown) => {
        this.#settle('answered');
        this.#reject(reason);
        controller.abort(asError(reason));
      },
    );
  }

  onResponseEnd(): void {
    const body = joined(this.#chunks, this.#receivedBytes);
    this.#chunks = [];
    const fault = this.#headers[FAULT_HEADER];
    if (fault !== undefined) {
      const error = faultOf(body);
      const declined = fault === 'refused' && error instanceof RpcError && error.code === 'overloaded';
      this.#settle(declined ? 'declined' : 'answered');
      this.#reject(error);
    } else {
      this.#settle('answered');
      this.#resolve({ status: this.#status, headers: endToEndHeaders(this.#headers), body });
    }
    this.#release();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#chunks = [];
    const code = (error as Partial<errors.UndiciError>).code;
    if (error instanceof RpcError || code === 'UND_ERR_INVALID_ARG') this.#settle('answered');
    else this.#settle(this.outcome);
    this.#reject(error instanceof RpcError || code === 'UND_ERR_INVALID_ARG' ? error : networkError(error));
    this.#release();
  }

  readonly #abort = () => {
    this.outcome = 'cancelled';
    this.#reject(this.#signal.reason);
    this.#controller?.abort(asError(this.#signal.reason));
  };

  #settle(outcome: CallOutcome): void {
    this.#signal.removeEventListener('abort', this.#abort);
    if (this.outcome !== 'cancelled') this.outcome = outcome;
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#onReleased(this.outcome);
  }
}

const DEADLINES: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);

function networkError(error: Error): RpcError {
  const code = (error as { code?: string }).code ?? '';
  // An AggregateError of several attempts to connect has no message of its own.
  const message = error.message === '' ? code : error.message;
  return new RpcError(DEADLINES.has(code) ? 'deadline_exceeded' : 'unavailable', message, { cause: error });
}

function faultOf(body: Uint8Array): Error {
  try {
    return fromWireError(JSON.parse(Buffer.from(body.buffer, 0, body.byteLength).toString()) as WireError);
  } catch (error) {
    return new RpcError('protocol', 'an error that cannot be read', { cause: error });
  }
}

/** One array that owns its buffer: it may be given away to another thread. */
function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function tooLarge(): RpcError {
  return new RpcError('too_large', 'the answer is larger than allowed');
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
