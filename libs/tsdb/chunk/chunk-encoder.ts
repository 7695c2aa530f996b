import { ByteWriter } from '@xscaler/encoding';
import type { SampleColumns } from '@xscaler/model';
import { ENCODING_DENSE, ENCODING_NOTED, ENCODING_XOR } from './chunk.ts';
import { DenseWriter } from './dense-chunk.ts';
import { NotedWriter } from './noted-writer.ts';
import { XorWriter } from './xor-chunk.ts';

/** Most samples of a block's chunk: a few pages to decode if only a part of it is wanted. */
const BLOCK_CHUNK_SAMPLES = 1024;

/** Writes columns as chunks of the encoding that suits them. */
export class ChunkEncoder {
  readonly #xor = new XorWriter();
  readonly #dense = new DenseWriter();
  readonly #noted = new NotedWriter();
  readonly #base = new ByteWriter(4096);
  /** Of the chunk written last. */
  encoding = 0;

  /**
   * Appends to `dst` a chunk of the samples from `from` on, as many as fit one; the index behind the last.
   * All within CHUNK_MAX_DURATION_MS of the first.
   */
  encode(dst: ByteWriter, columns: SampleColumns, from: number): number {
    const end = Math.min(columns.length, from + BLOCK_CHUNK_SAMPLES);
    if (columns.histograms === undefined && columns.startTimes === undefined)
      return this.#encodePlain(dst, columns, from, end);
    const base = this.#base;
    base.reset();
    const to = this.#encodePlain(base, columns, from, this.#noted.fit(columns, from, end));
    if (!this.#noted.isWanted(columns, from, to)) dst.raw(base.bytes, 0, base.length);
    else {
      this.#noted.write(dst, columns, from, to, this.encoding, {
        bytes: base.bytes,
        start: 0,
        end: base.length,
      });
      this.encoding = ENCODING_NOTED;
    }
    return to;
  }

  /** Times and values alone. */
  #encodePlain(dst: ByteWriter, columns: SampleColumns, from: number, end: number): number {
    const dense = this.#dense.write(dst, columns, from, end);
    if (dense === from) return this.#encodeXor(dst, columns, from, end);
    this.encoding = ENCODING_DENSE;
    return dense;
  }

  #encodeXor(dst: ByteWriter, columns: SampleColumns, from: number, end: number): number {
    const { timestamps, valueWords } = columns;
    const originMs = timestamps[from];
    this.#xor.start(0, valueWords[2 * from] | 0, valueWords[2 * from + 1] | 0);
    let i = from + 1;
    while (
      i < end &&
      this.#xor.append(timestamps[i] - originMs, valueWords[2 * i] | 0, valueWords[2 * i + 1] | 0)
    )
      i++;
    dst.raw(this.#xor.bytes, 0, this.#xor.byteLength);
    this.encoding = ENCODING_XOR;
    return i;
  }
}
