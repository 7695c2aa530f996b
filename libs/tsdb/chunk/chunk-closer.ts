import { ByteWriter } from '@xscaler/encoding';
import { SampleColumns } from '@xscaler/model';
import { type ChunkView, ENCODING_DENSE, ENCODING_XOR, newChunkView } from './chunk.ts';
import { ChunkDecoder } from './chunk-decoder.ts';
import { DenseWriter } from './dense-chunk.ts';
import { XorWriter } from './xor-chunk.ts';

/** More than the largest open chunk has. */
const WRITER_BYTES = 1024;

/**
 * Writes chunks that get no more samples in the dense codec: about a third of what the append codec takes. Which codec a
 * chunk of a head has decides nothing: blocks and digests are made of samples. Its buffers are reused.
 */
export class ChunkCloser {
  readonly #decoder = new ChunkDecoder();
  readonly #columns = new SampleColumns(WRITER_BYTES);
  readonly #dense = new DenseWriter();
  readonly #writer = new ByteWriter(WRITER_BYTES);
  readonly #closed: ChunkView = { ...newChunkView(), encoding: ENCODING_DENSE };

  /** The same samples in fewer bytes, valid until the next call, or `chunk` if there is no such thing. */
  closed(chunk: ChunkView): ChunkView {
    const columns = this.#decoded(chunk);
    const writer = this.#writer;
    writer.reset();
    if (!this.#dense.writeWhole(writer, columns) || writer.length >= chunk.end - chunk.start) return chunk;
    const closed = this.#closed;
    closed.bytes = writer.bytes;
    closed.end = writer.length;
    closed.minTimeMs = chunk.minTimeMs;
    closed.maxTimeMs = chunk.maxTimeMs;
    closed.count = chunk.count;
    return closed;
  }

  /** The first `count` samples of a chunk, with bytes of their own if it has more. */
  prefix(chunk: ChunkView, count: number): ChunkView {
    if (count === chunk.count) return chunk;
    const { timestamps, valueWords } = this.#decoded(chunk);
    const writer = new XorWriter();
    writer.start(0, valueWords[0] | 0, valueWords[1] | 0);
    for (let i = 1; i < count; i++)
      writer.append(timestamps[i] - timestamps[0], valueWords[2 * i] | 0, valueWords[2 * i + 1] | 0);
    return {
      encoding: ENCODING_XOR,
      bytes: writer.bytes,
      start: 0,
      end: writer.byteLength,
      minTimeMs: timestamps[0],
      maxTimeMs: timestamps[count - 1],
      count,
    };
  }

  #decoded(chunk: ChunkView): SampleColumns {
    this.#columns.reset();
    this.#decoder.decodeInto(this.#columns, chunk, -Infinity, Infinity);
    return this.#columns;
  }
}
