import type { IncomingMessage } from 'node:http';
import type { BodyLease } from './body-budget.ts';
import { Refusal } from './refusal.ts';

/** The client went away before its request was whole. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';
  readonly code = 'client_gone';
}

const FIRST_CAPACITY_BYTES = 64 * 1024;

/**
 * Collects a body unread, into one array that owns its buffer exactly. Memory is leased before it is allocated.
 * @throws Refusal `body_too_large` past `maxBytes`: from Content-Length before anything is read, else as it comes
 * @throws Refusal `unavailable` where the lease can't grow
 * @throws ClientGone
 */
export function collectBody(
  request: IncomingMessage,
  maxBytes: number,
  lease: BodyLease,
): Promise<Uint8Array> {
  const declared = request.headers['content-length'];
  if (declared !== undefined) return collectDeclared(request, Number(declared), maxBytes, lease);
  if (request.headers['transfer-encoding'] === undefined) return Promise.resolve(new Uint8Array(0));
  return collectUndeclared(request, maxBytes, lease);
}

async function collectDeclared(
  request: IncomingMessage,
  length: number,
  maxBytes: number,
  lease: BodyLease,
): Promise<Uint8Array> {
  if (length > maxBytes) throw tooLarge(maxBytes);
  lease.growTo(length);
  const body = new Uint8Array(length);
  let filled = 0;
  await eachChunk(request, (chunk) => {
    body.set(chunk, filled);
    filled += chunk.length;
  });
  return body;
}

/** Chunks are copied as they come: each one, however small, may hold on to a whole read buffer of the socket. */
async function collectUndeclared(
  request: IncomingMessage,
  maxBytes: number,
  lease: BodyLease,
): Promise<Uint8Array> {
  let body = new Uint8Array(0);
  let filled = 0;
  await eachChunk(request, (chunk) => {
    const needed = filled + chunk.length;
    if (needed > maxBytes) throw tooLarge(maxBytes);
    if (needed > body.length) {
      const capacity = Math.min(maxBytes, Math.max(needed, body.length * 2, FIRST_CAPACITY_BYTES));
      lease.growTo(capacity);
      const grown = new Uint8Array(capacity);
      grown.set(body.subarray(0, filled));
      body = grown;
    }
    body.set(chunk, filled);
    filled = needed;
  });
  return filled === body.length ? body : body.slice(0, filled);
}

/** Resolves at the end of the body; rejects with what `take` throws, and stops listening. */
function eachChunk(request: IncomingMessage, take: (chunk: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown) => {
      request.off('data', onData).off('end', onEnd).off('close', onGone).off('error', onGone);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onData = (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        settle(error);
      }
    };
    const onEnd = () => settle();
    const onGone = () => settle(new ClientGone('the client closed its connection'));
    request.on('data', onData).on('end', onEnd).on('close', onGone).on('error', onGone);
  });
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal('body_too_large', `request body is larger than ${maxBytes} bytes`);
}
