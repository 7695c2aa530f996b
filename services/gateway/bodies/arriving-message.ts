import type { Duplex } from 'node:stream';
import type { ServerInterceptingCallInterface } from '@grpc/grpc-js';
import type { ByteLease } from '../budgets/byte-budget.ts';
import type { Pace, PaceWatch } from '../budgets/pace.ts';
import { slowBody } from './body.ts';

/** Flag of compression and length, before each message. */
const PREFIX_BYTES = 5;
/** Deflate makes no more of a byte. */
const MAX_EXPANSION = 1032;

export interface MessageBounds {
  /** Grows with what has arrived, and before a message is expanded with what may come of it. */
  readonly lease: ByteLease;
  /** Of a message once expanded. */
  readonly maxBytes: number;
  readonly paces: PaceWatch;
  /** Told once of a message that comes too slowly, or for which there is no room. */
  readonly onFault: (refusal: unknown) => void;
}

/**
 * The message of a gRPC call, leased as it comes. grpc-js tells of a message when it is whole and expanded, and takes in
 * whatever a client sends until then; so this takes the call's data first and hands it on.
 */
export class ArrivingMessage {
  readonly #stream: Duplex;
  readonly #deliver: (chunk: Buffer) => void;
  readonly #bounds: MessageBounds;
  readonly #pace: Pace;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #arrived = 0;
  #isOver = false;

  /** @param call the innermost one, before it is started */
  constructor(call: ServerInterceptingCallInterface, bounds: MessageBounds) {
    this.#stream = streamOf(call);
    this.#bounds = bounds;
    const [deliver] = this.#stream.listeners('data');
    this.#deliver = deliver as (chunk: Buffer) => void;
    this.#stream.off('data', this.#deliver).on('data', this.#take);
    const { paces, onFault } = bounds;
    this.#pace = paces.watch(
      () => this.#arrived,
      (moved) => onFault(slowBody(moved, paces.minPace)),
    );
  }

  /** The message is whole. */
  arrived(): void {
    this.#pace.stop();
  }

  /** The call is over: what still comes is grpc-js's to throw away. */
  stop(): void {
    this.#isOver = true;
    this.#pace.stop();
  }

  readonly #take = (chunk: Buffer) => {
    if (this.#isOver) {
      this.#deliver(chunk);
      return;
    }
    const bytes = this.#bytesWith(chunk);
    if (!this.#bounds.lease.tryGrowTo(bytes)) {
      this.#waitForRoom(chunk, bytes);
      return;
    }
    this.#arrived += chunk.length;
    this.#deliver(chunk);
  };

  /** The chunk is put back, so that the stream doesn't end before it. */
  #waitForRoom(chunk: Buffer, bytes: number): void {
    const { lease, onFault } = this.#bounds;
    this.#stream.pause();
    this.#stream.unshift(chunk);
    this.#pace.restart();
    lease.growTo(bytes).then(
      () => {
        this.#pace.restart();
        this.#stream.resume();
      },
      (error: unknown) => {
        if (!this.#isOver) onFault(error);
      },
    );
  }

  /** What has arrived with the chunk, and what may come of a compressed message that is whole then. */
  #bytesWith(chunk: Buffer): number {
    const bytes = this.#arrived + chunk.length;
    if (this.#arrived < PREFIX_BYTES) {
      this.#prefix.set(chunk.subarray(0, PREFIX_BYTES - this.#arrived), this.#arrived);
    }
    const isCompressed = this.#prefix[0] === 1;
    const length = new DataView(this.#prefix.buffer).getUint32(1);
    if (!isCompressed || bytes < PREFIX_BYTES + length) return bytes;
    return bytes + Math.min(this.#bounds.maxBytes, length * MAX_EXPANSION);
  }
}

/** grpc-js keeps it to itself. @throws Error if this is no longer how it does */
function streamOf(call: ServerInterceptingCallInterface): Duplex {
  const { stream } = call as unknown as { stream?: Duplex };
  if (stream?.listeners('data').length !== 1) throw new Error('the data of a gRPC call cannot be reached');
  return stream;
}
