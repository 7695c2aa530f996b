import { ByteWriter } from '@xscaler/encoding';

/** Size of a piece, unless what was added at once is larger. */
const PIECE_BYTES = 256 * 1024;

/** Bytes that follow one another, gathered without ever copying all of them to make room. */
export class ResponsePieces {
  readonly #pieces: Uint8Array[] = [];
  #open = new ByteWriter(4096);
  #closedBytes = 0;

  get byteLength(): number {
    return this.#closedBytes + this.#open.length;
  }

  uvarint(value: number): void {
    this.#open.uvarint(value);
  }

  u8(value: number): void {
    this.#open.u8(value);
  }

  /** Copied. */
  raw(bytes: Uint8Array): void {
    this.#open.raw(bytes);
    if (this.#open.length < PIECE_BYTES) return;
    this.#pieces.push(this.#open.take());
    this.#closedBytes += this.#open.length;
    this.#open.reset();
  }

  /** Puts everything at a place of `target`; where it ends. */
  copyTo(target: Uint8Array, at: number): number {
    let next = at;
    for (const piece of [...this.#pieces, this.#open.written()]) {
      target.set(piece, next);
      next += piece.length;
    }
    return next;
  }
}
