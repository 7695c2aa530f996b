import { LimitError } from '../syntax/errors.ts';
import type { Cancellation } from '../vectors/cancellation.ts';
import { QueryMemory } from '../vectors/query-memory.ts';
import { MAX_VALUE_BYTES, writeSampleValue } from './value-bytes.ts';

/** Size of a piece, unless a text longer than that is in it. */
const PIECE_BYTES = 65_536;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
/** Bytes of UTF-8 that a code unit takes at most. */
const BYTES_PER_UNIT = 3;

export interface EncodeOptions {
  /** Looked at once a piece. */
  readonly cancellation?: Cancellation | undefined;
  /** Size of the encoded answer at most; 256 MiB if absent. */
  readonly maxBytes?: number | undefined;
  /** Where pieces are from; allocated if absent. */
  readonly memory?: QueryMemory | undefined;
}

/** Every piece is allocated. */
const NO_MEMORY = new QueryMemory(0);

/** UTF-8 gathered into pieces, each with a buffer of its own, which can be handed to another thread. */
export class JsonPieces {
  readonly #pieces: Buffer[] = [];
  readonly #cancellation: Cancellation | undefined;
  readonly #maxBytes: number;
  readonly #memory: QueryMemory;
  #piece: Buffer;
  #length = 0;
  /** Of finished pieces. */
  #bytes = 0;

  constructor({ cancellation, maxBytes = DEFAULT_MAX_BYTES, memory = NO_MEMORY }: EncodeOptions) {
    this.#memory = memory;
    this.#piece = memory.piece(PIECE_BYTES);
    this.#cancellation = cancellation;
    this.#maxBytes = maxBytes;
  }

  /** @throws LimitError | QueryCancelledError | QueryTimeoutError, as all that write do */
  text(text: string): void {
    // A byte a character at least: what is too long is refused before there is memory for it.
    if (text.length > PIECE_BYTES) this.#checkSize(this.#length + text.length);
    this.#reserve(text.length * BYTES_PER_UNIT);
    this.#length += this.#piece.write(text, this.#length);
  }

  /** One of the texts that were encoded beforehand, the first byte replaced by `lead`; then a value and `"]`. */
  point(texts: EncodedTexts, i: number, lead: number, value: number): void {
    const from = texts.ends[i];
    const to = texts.ends[i + 1];
    this.#reserve(to - from + MAX_VALUE_BYTES + 2);
    const piece = this.#piece;
    let at = this.#length;
    piece[at++] = lead;
    for (let j = from + 1; j < to; j++) piece[at++] = texts.bytes[j];
    at = writeSampleValue(value, piece, at);
    piece[at] = 0x22;
    piece[at + 1] = 0x5d;
    this.#length = at + 2;
  }

  /** The pieces, to be sent one after the other. */
  finish(): Buffer[] {
    this.#flush();
    return this.#pieces;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#piece.length) return;
    this.#flush();
    this.#piece = this.#memory.piece(Math.max(PIECE_BYTES, bytes));
    this.#length = 0;
  }

  #flush(): void {
    if (this.#length === 0) return;
    this.#cancellation?.throwIfCancelled();
    this.#checkSize(this.#length);
    this.#bytes += this.#length;
    this.#pieces.push(this.#piece.subarray(0, this.#length));
  }

  /** @param bytes to come on top of the finished pieces @throws LimitError */
  #checkSize(bytes: number): void {
    if (this.#bytes + bytes <= this.#maxBytes) return;
    throw new LimitError(
      'max_query_response_size_bytes',
      `the answer is larger than its limit max_query_response_size_bytes (${this.#maxBytes}): select fewer series or a larger step`,
    );
  }
}

/** Texts encoded once: text i is `bytes[ends[i], ends[i + 1])`. */
export interface EncodedTexts {
  readonly bytes: Uint8Array;
  readonly ends: Int32Array;
}

/** @param textOf ASCII only */
export function encodeTexts(count: number, textOf: (i: number) => string): EncodedTexts {
  const texts = Array.from({ length: count }, (_, i) => textOf(i));
  const ends = new Int32Array(count + 1);
  for (let i = 0; i < count; i++) ends[i + 1] = ends[i] + texts[i].length;
  return { bytes: Buffer.from(texts.join(''), 'latin1'), ends };
}
