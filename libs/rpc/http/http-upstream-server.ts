import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { RpcError, toWireError } from '../rpc-error.ts';
import { SECRET_HEADER, SharedSecret } from '../shared-secret.ts';
import type { Upstream, UpstreamResponse } from './http-exchange.ts';
import { endToEndHeaders, FAULT_HEADER, isEndToEnd, TENANT_HEADER } from './http-headers.ts';

export interface ServeHttpOptions {
  /** Where set, a request without it is refused: a port that leaks is not an open door. */
  readonly secret?: string;
  /** Of one request's body. Default 64 MB. */
  readonly maxBodyBytes?: number;
  /** Of the bodies of all requests running. Default 512 MB. */
  readonly maxInFlightBytes?: number;
  /** Of answers that callers have not taken yet; one more is not given, unless it is the only one. Default 512 MB. */
  readonly maxAnswerBytes?: number;
  /** A caller that takes nothing of its answer for this long is cut off. Default 60,000. */
  readonly stalledCallerMs?: number;
  /** Requests running; one more is told to go elsewhere. Default 4,096. */
  readonly maxConcurrentCalls?: number;
}

/**
 * The service's side of `connectHttpUpstream`: a listener for a `node:http` server. The server's own timeouts hold, and its
 * keep-alive timeout should be longer than 4 s, undici's.
 *
 * The handler gets the body in one array that owns its buffer. Its signal is aborted when the caller closes the connection.
 * What it throws goes back with name, message, code and stack.
 */
export function serveHttpUpstream(upstream: Upstream, options: ServeHttpOptions = {}): RequestListener {
  const server = new HttpUpstreamServer(upstream, options);
  return (request, response) => void server.answer(request, response);
}

class HttpUpstreamServer {
  readonly #upstream: Upstream;
  readonly #secret: SharedSecret;
  readonly #maxBodyBytes: number;
  readonly #maxInFlightBytes: number;
  readonly #maxConcurrentCalls: number;
  readonly #maxAnswerBytes: number;
  readonly #stalledCallerMs: number;
  #calls = 0;
  #bytes = 0;
  #answerBytes = 0;

  constructor(upstream: Upstream, options: ServeHttpOptions) {
    this.#upstream = upstream;
    this.#secret = new SharedSecret(options.secret);
    this.#maxBodyBytes = options.maxBodyBytes ?? 64 * 1024 * 1024;
    this.#maxInFlightBytes = options.maxInFlightBytes ?? 512 * 1024 * 1024;
    this.#maxConcurrentCalls = options.maxConcurrentCalls ?? 4096;
    this.#maxAnswerBytes = options.maxAnswerBytes ?? 512 * 1024 * 1024;
    this.#stalledCallerMs = options.stalledCallerMs ?? 60_000;
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = this.#refusalOf(request);
    if (refusal !== undefined) {
      sendFault(response, 'refused', refusal);
      return;
    }
    // A body of unknown length counts as the largest: it may become that.
    const bytes = Math.min(Number(request.headers['content-length'] ?? Number.NaN), this.#maxBodyBytes);
    const reserved = hasBody(request) ? (Number.isNaN(bytes) ? this.#maxBodyBytes : bytes) : 0;
    if (this.#calls >= this.#maxConcurrentCalls || this.#bytes + reserved > this.#maxInFlightBytes) {
      sendFault(response, 'refused', new RpcError('overloaded', `${this.#calls} requests are running`));
      return;
    }
    this.#calls++;
    this.#bytes += reserved;
    try {
      await this.#work(request, response);
    } finally {
      this.#calls--;
      this.#bytes -= reserved;
    }
  }

  #refusalOf({ headers }: IncomingMessage): RpcError | undefined {
    const offered = headers[SECRET_HEADER];
    if (!this.#secret.admits(typeof offered === 'string' ? offered : undefined)) {
      return new RpcError('refused', 'the shared secret is missing or wrong');
    }
    if (typeof headers[TENANT_HEADER] !== 'string')
      return new RpcError('protocol', `${TENANT_HEADER} is missing`);
    return undefined;
  }

  async #work(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const canceler = new AbortController();
    const onClose = () => {
      if (!response.writableFinished) canceler.abort();
    };
    response.once('close', onClose);
    let body: Uint8Array;
    try {
      body = await collect(request, this.#maxBodyBytes);
    } catch (error) {
      sendFault(response, 'refused', error);
      return;
    }
    const { pathname, query } = targetOf(request.url ?? '/');
    try {
      const answer = await this.#upstream.handle(
        {
          tenant: request.headers[TENANT_HEADER] as string,
          method: request.method ?? 'GET',
          path: pathname,
          query,
          headers: endToEndHeaders(request.headers),
          body,
        },
        canceler.signal,
      );
      this.#send(response, answer);
    } catch (error) {
      sendFault(response, 'thrown', error);
    }
  }

  /** An answer is held until the caller has taken it, which may have no room for it at the moment. */
  #send(response: ServerResponse, answer: UpstreamResponse): void {
    const bytes = answer.body.byteLength;
    if (this.#answerBytes > 0 && this.#answerBytes + bytes > this.#maxAnswerBytes) {
      sendFault(
        response,
        'refused',
        new RpcError('overloaded', `${this.#answerBytes} bytes of answers are waiting`),
      );
      return;
    }
    if (response.destroyed) return;
    this.#answerBytes += bytes;
    response.once('close', () => {
      this.#answerBytes -= bytes;
    });
    response.setTimeout(this.#stalledCallerMs, () => response.destroy());
    send(response, answer);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

function targetOf(url: string): { pathname: string; query: string } {
  const at = url.indexOf('?');
  return at === -1 ? { pathname: url, query: '' } : { pathname: url.slice(0, at), query: url.slice(at + 1) };
}

/**
 * The whole body in an array of its own.
 * @throws RpcError `too_large`; whatever ended the connection
 */
function collect(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  const announced = request.headers['content-length'];
  if (Number(announced ?? 0) > maxBytes) return Promise.reject(tooLarge(maxBytes));
  return new Promise((resolve, reject) => {
    let whole = new Uint8Array(Buffer.allocUnsafeSlow(Number(announced ?? 0)).buffer);
    let at = 0;
    request.on('data', (chunk: Buffer) => {
      if (at + chunk.byteLength > maxBytes) {
        request.removeAllListeners('data');
        request.resume();
        reject(tooLarge(maxBytes));
        return;
      }
      if (at + chunk.byteLength > whole.byteLength) whole = grown(whole, at, at + chunk.byteLength);
      whole.set(chunk, at);
      at += chunk.byteLength;
    });
    request.once('end', () => resolve(at === whole.byteLength ? whole : whole.slice(0, at)));
    request.once('error', reject);
    request.once('close', () => reject(new RpcError('unavailable', 'the caller disappeared')));
  });
}

function grown(array: Uint8Array, used: number, neededBytes: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.max(neededBytes, array.byteLength * 2, 64 * 1024));
  larger.set(array.subarray(0, used));
  return larger;
}

function tooLarge(maxBytes: number): RpcError {
  return new RpcError('too_large', `the body is larger than ${maxBytes} bytes`);
}

function send(response: ServerResponse, { status, headers, body }: UpstreamResponse): void {
  response.sendDate = false;
  for (const name in headers) if (isEndToEnd(name)) response.setHeader(name, headers[name]);
  if (status !== 204 && status !== 304) response.setHeader('content-length', body.byteLength);
  response.statusCode = status;
  response.end(body);
}

const FAULT_STATUS: Readonly<Record<string, number>> = {
  refused: 403,
  protocol: 400,
  too_large: 413,
  overloaded: 503,
};

/** `stage`: whether the service had been asked. */
function sendFault(response: ServerResponse, stage: 'refused' | 'thrown', error: unknown): void {
  if (response.destroyed) return;
  const wire = toWireError(error);
  const body = Buffer.from(JSON.stringify(wire));
  const status = stage === 'refused' ? (FAULT_STATUS[wire.code ?? ''] ?? 500) : 500;
  response.sendDate = false;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.byteLength,
    [FAULT_HEADER]: stage,
  });
  response.end(body);
}
