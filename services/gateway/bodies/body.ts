import type { IncomingMessage } from 'node:http';
import type { ByteLease } from '../budgets/byte-budget.ts';
import type { MinPace, PaceWatch } from '../budgets/pace.ts';
import { Refusal } from '../refusals/refusal.ts';

/** The client disappeared before its request was whole. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  readonly code = 'client_gone';
}

export interface BodyBounds {
  readonly maxBytes: number;
  /** Grows with what has arrived. */
  readonly lease: ByteLease;
  readonly paces: PaceWatch;
}

/** Allocated when the first bytes arrive, less if the body is declared to be smaller. */
const FIRST_CAPACITY_BYTES = 64 * 1024;
/**
 * An array that is full is followed by one this many times as large: so an eighth of a large body is copied. The system gives
 * memory to the part of it that is written to, which is leased.
 */
const GROWTH = 8;

/**
 * Collects a body unread, into one array that owns its buffer exactly. What arrives is leased first: while there is no room the
 * client is not read from.
 * @throws Refusal `body_too_large` past `maxBytes`: from Content-Length before anything is read, else as it comes
 * @throws Refusal `slow_body` if the client sends too little
 * @throws Refusal of the lease, if there is no room in time
 * @throws ClientGone
 */
export async function collectBody(request: IncomingMessage, bounds: BodyBounds): Promise<Uint8Array> {
  const { headers } = request;
  const declared = headers['content-length'];
  if (declared === undefined && headers['transfer-encoding'] === undefined) return new Uint8Array(0);
  const body = new ArrivingBody(declared === undefined ? undefined : Number(declared), bounds.maxBytes);
  await eachChunk(request, body, bounds);
  return body.whole();
}

class ArrivingBody {
  readonly #maxBytes: number;
  #bytes = new Uint8Array(0);
  #filled = 0;

  constructor(declaredBytes: number | undefined, maxBytes: number) {
    if (declaredBytes !== undefined && declaredBytes > maxBytes) throw tooLarge(maxBytes);
    this.#maxBytes = declaredBytes ?? maxBytes;
  }

  get filled(): number {
    return this.#filled;
  }

  /** What has arrived when the chunk has. @throws Refusal */
  sizeWith(chunk: Uint8Array): number {
    const needed = this.#filled + chunk.length;
    if (needed > this.#maxBytes) throw tooLarge(this.#maxBytes);
    return needed;
  }

  /** Copies the chunk: each one, however small, may hold on to a whole read buffer of the socket. */
  add(chunk: Uint8Array): void {
    const needed = this.#filled + chunk.length;
    if (needed > this.#bytes.length) this.#grow(needed);
    this.#bytes.set(chunk, this.#filled);
    this.#filled = needed;
  }

  whole(): Uint8Array {
    return this.#filled === this.#bytes.length ? this.#bytes : this.#bytes.slice(0, this.#filled);
  }

  #grow(needed: number): void {
    const capacity = Math.max(needed, this.#bytes.length * GROWTH, FIRST_CAPACITY_BYTES);
    const grown = new Uint8Array(Math.min(this.#maxBytes, capacity));
    grown.set(this.#bytes.subarray(0, this.#filled));
    this.#bytes = grown;
  }
}

/** Resolves at the end of the body; rejects with what is wrong with it, and stops listening. */
function eachChunk(request: IncomingMessage, body: ArrivingBody, bounds: BodyBounds): Promise<void> {
  const { lease, paces } = bounds;
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      pace.stop();
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Buffer) => {
      try {
        const size = body.sizeWith(chunk);
        if (lease.tryGrowTo(size)) body.add(chunk);
        else waitForRoom(chunk, size);
      } catch (error) {
        settle(error);
      }
    };
    // The chunk is put back, so that the request doesn't end before it.
    const waitForRoom = (chunk: Buffer, size: number) => {
      request.pause();
      request.unshift(chunk);
      pace.restart();
      lease.growTo(size).then(() => {
        pace.restart();
        request.resume();
      }, settle);
    };
    const onEnd = () => settle();
    const onGone = () => settle(new ClientGone('the client closed its connection'));
    const pace = paces.watch(
      () => body.filled,
      (moved) => settle(slowBody(moved, paces.minPace)),
    );
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  });
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('body_too_large', `request body is larger than ${maxBytes} bytes`);
}

export function slowBody(bytes: number, { windowMs, bytesPerSecond }: MinPace): Refusal {
  const came = `${bytes} bytes of the request body came in ${windowMs / 1000} s`;
  return new Refusal('slow_body', `${came}; at least ${bytesPerSecond} bytes/s are needed`);
}
