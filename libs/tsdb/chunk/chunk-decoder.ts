import { DecodeError } from '@xscaler/encoding';
import type { SampleColumns } from '@xscaler/model';
import { type ChunkView, ENCODING_DENSE, ENCODING_NOTED, ENCODING_XOR } from './chunk.ts';
import { DenseDecoder } from './dense-decoder.ts';
import { NotedDecoder } from './noted-decoder.ts';
import { XorDecoder } from './xor-decoder.ts';

/** Decodes chunks of any encoding, reusing one set of buffers. */
export class ChunkDecoder {
  readonly #xor = new XorDecoder();
  readonly #dense = new DenseDecoder();
  readonly #noted = new NotedDecoder((base, dst, startMs, endMs) => this.#plain(base, dst, startMs, endMs));

  /**
   * Appends the chunk's samples with startMs ≤ t ≤ endMs to `dst`, increasing in time.
   * @throws DecodeError on an unknown encoding or damaged bytes; `dst` is then as before
   */
  decodeInto(dst: SampleColumns, chunk: ChunkView, startMs: number, endMs: number): void {
    if (chunk.encoding === ENCODING_NOTED) this.#noted.decode(chunk, dst, startMs, endMs);
    else this.#plain(chunk, dst, startMs, endMs);
  }

  #plain(chunk: ChunkView, dst: SampleColumns, startMs: number, endMs: number): void {
    switch (chunk.encoding) {
      case ENCODING_XOR:
        this.#xor.decode(chunk, dst, startMs, endMs);
        break;
      case ENCODING_DENSE:
        this.#dense.decode(chunk, dst, startMs, endMs);
        break;
      default:
        throw new DecodeError(`unknown chunk encoding ${chunk.encoding}`);
    }
  }
}
