import { type MessagePort, workerData } from 'node:worker_threads';
import { serve } from '../port/port-rpc.ts';

/** For tests: what can be asked of the thread below. */
export interface Answering {
  echo(request: unknown, signal: AbortSignal): Promise<unknown>;
  /** How many bytes the buffer behind the request's bytes has. */
  bufferBytes(bytes: Uint8Array, signal: AbortSignal): Promise<number>;
  /** A view of a part of a larger buffer. */
  pooled(text: string, signal: AbortSignal): Promise<{ bytes: Uint8Array; list: Uint8Array[] }>;
  fail(kind: string, signal: AbortSignal): Promise<never>;
  /** Never answers unless cancelled. */
  wait(name: string, signal: AbortSignal): Promise<never>;
  count(upTo: number, signal: AbortSignal): AsyncIterable<number>;
  frames(count: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
  failAfter(count: number, signal: AbortSignal): AsyncIterable<number>;
  /** What has happened so far, in order. */
  events(request: undefined, signal: AbortSignal): Promise<string[]>;
  die(request: undefined, signal: AbortSignal): Promise<never>;
}

const log: string[] = [];

const answering: Answering = {
  async echo(request) {
    if (typeof request === 'string') log.push(`echo ${request}`);
    return request;
  },
  async bufferBytes(bytes) {
    return bytes.buffer.byteLength;
  },
  async pooled(text) {
    return { bytes: Buffer.from(text), list: [Buffer.from(text), new Uint8Array([1, 2, 3])] };
  },
  async fail(kind) {
    if (kind === 'text') throw 'just text';
    if (kind === 'unclonable') return (() => {}) as never;
    throw Object.assign(new RangeError('too far'), { code: 'out_of_range' });
  },
  wait(name, signal) {
    log.push(`wait ${name}`);
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        log.push(`cancelled ${name}`);
        reject(signal.reason);
      });
    });
  },
  async *count(upTo, signal) {
    try {
      for (let i = 0; i < upTo; i++) {
        log.push(`made ${i}`);
        yield i;
      }
    } finally {
      log.push(signal.aborted ? 'count cancelled' : 'count ended');
    }
  },
  async *frames(count) {
    for (let i = 0; i < count; i++) yield new Uint8Array(100_000).fill(i);
  },
  async *failAfter(count) {
    for (let i = 0; i < count; i++) yield i;
    throw Object.assign(new Error('lost the block'), { code: 'corrupt' });
  },
  async events() {
    return log;
  },
  async die() {
    process.exit(1);
  },
};

serve(workerData as MessagePort, answering);
