import { type ContentHash, DecodeError } from '@xscaler/encoding';
import { type ProtobufReader, utf8Text } from '../protobuf/protobuf-reader.ts';

/** Bound on the symbols of a request: 60 MB of them at 30 bytes each. */
export const MAX_SYMBOLS = 2 ** 21;

/** Up to here a loop is cheaper than a call. */
const COPIED_BY_LOOP = 64;

const KEPT_CAPACITY = 2 ** 16;

/**
 * Where the symbols of a request lie in its body. Their texts and hashes are made when they are asked for.
 *
 * Words of a symbol: start, end, hash low, hash high; both hash words 0 until it is hashed.
 */
export class SymbolTable {
  count = 0;
  bytes: Uint8Array = new Uint8Array(0);
  #view: DataView = new DataView(new ArrayBuffer(0));
  #words = new Int32Array(4 * 256);

  reset(body: ProtobufReader): void {
    this.count = 0;
    this.bytes = body.bytes;
    this.#view = body.view;
  }

  release(): void {
    this.count = 0;
    this.bytes = new Uint8Array(0);
    this.#view = new DataView(new ArrayBuffer(0));
    if (this.#words.length > 4 * KEPT_CAPACITY) this.#words = new Int32Array(4 * KEPT_CAPACITY);
  }

  /** @throws DecodeError if there are too many */
  add(start: number, end: number): void {
    const at = 4 * this.count;
    if (at === this.#words.length) this.#grow();
    const words = this.#words;
    words[at] = start;
    words[at + 1] = end;
    words[at + 2] = 0;
    words[at + 3] = 0;
    this.count++;
  }

  start(symbol: number): number {
    return this.#words[4 * symbol];
  }

  end(symbol: number): number {
    return this.#words[4 * symbol + 1];
  }

  byteLength(symbol: number): number {
    return this.#words[4 * symbol + 1] - this.#words[4 * symbol];
  }

  /** Copies the symbol's bytes to `to[at …]`, if there is room; returns where they end. */
  copy(symbol: number, to: Uint8Array, at: number): number {
    const bytes = this.bytes;
    const start = this.#words[4 * symbol];
    const end = this.#words[4 * symbol + 1];
    if (end - start > COPIED_BY_LOOP) {
      to.set(bytes.subarray(start, end), at);
      return at + end - start;
    }
    for (let i = start; i < end; i++) to[at++] = bytes[i];
    return at;
  }

  text(symbol: number): string {
    return utf8Text(this.bytes, this.start(symbol), this.end(symbol));
  }

  /** Puts 64 bits of a hash of the symbol's content into `to[at, at + 2)`. */
  hashInto(symbol: number, hash: ContentHash, to: Int32Array, at: number): void {
    const words = this.#words;
    const word = 4 * symbol;
    if (words[word + 2] === 0 && words[word + 3] === 0) {
      hash.hash(this.#view, words[word], words[word + 1]);
      words[word + 2] = hash.h0;
      words[word + 3] = hash.h1;
    }
    to[at] = words[word + 2];
    to[at + 1] = words[word + 3];
  }

  #grow(): void {
    if (this.count >= MAX_SYMBOLS) throw new DecodeError(`more than ${MAX_SYMBOLS} symbols`);
    const words = new Int32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
  }
}
