import { ByteWriter, crc32c } from '@xscaler/encoding';
import type { Labels, SampleColumns } from '@xscaler/model';
import { writeLabelSet } from '../labels/label-set.ts';
import { writeInt64, writeMessage } from '../protobuf/protobuf-writer.ts';
import { BitWriter } from './bit-writer.ts';
import { type ChunkCut, chunkCuts, FLOAT_HISTOGRAM, XOR } from './chunk-cuts.ts';
import { writeHistogramChunk } from './histogram-chunk.ts';
import { ResponsePieces } from './response-pieces.ts';
import { writeXorChunk } from './xor-chunk.ts';

/*
 * A stream of `prometheus.ChunkedReadResponse` (prompb/remote.proto, storage/remote/chunked.go), not compressed:
 *
 *   stream := frame …
 *   frame  := message length uvarint, CRC-32C of the message u32 big-endian, message
 *
 *     ChunkedReadResponse { 1: repeated ChunkedSeries, 2: int64 index of the query }      one series
 *     ChunkedSeries       { 1: repeated Label, 2: repeated Chunk }
 *     Chunk               { 1: int64 first time, 2: int64 last time, 3: Encoding, 4: bytes }
 *
 * A series with more chunks than fit a frame goes on in the next, its labels told again.
 */

/** As Prometheus' own default: what readers are made for. */
const FRAME_BYTES = 1024 * 1024;

/** Writes an answer of kind STREAMED_XOR_CHUNKS: for each query `beginQuery`, then its series. */
export class ChunkedResponseWriter {
  readonly contentType = 'application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse';
  readonly contentEncoding = undefined;
  readonly #stream = new ResponsePieces();
  readonly #labels = new ByteWriter(1024);
  readonly #series = new ByteWriter(4096);
  readonly #chunk = new ByteWriter(1024);
  readonly #bits = new BitWriter();
  #query = -1;

  get byteLength(): number {
    return this.#stream.byteLength;
  }

  beginQuery(): void {
    this.#query++;
  }

  addSeries(labels: Labels, samples: SampleColumns): void {
    this.#labels.reset();
    writeLabelSet(labels.pairs, this.#labels);
    this.#beginFrame();
    for (const cut of chunkCuts(samples)) {
      if (this.#series.length >= FRAME_BYTES) {
        this.#endFrame();
        this.#beginFrame();
      }
      this.#addChunk(samples, cut);
    }
    this.#endFrame();
  }

  finish(): Uint8Array {
    const stream = new Uint8Array(this.#stream.byteLength);
    this.#stream.copyTo(stream, 0);
    return stream;
  }

  #beginFrame(): void {
    this.#series.reset();
    this.#series.raw(this.#labels.written());
  }

  #addChunk(samples: SampleColumns, { from, to, encoding, flags }: ChunkCut): void {
    const bits = this.#bits;
    if (encoding === XOR) writeXorChunk(bits, samples, from, to);
    else writeHistogramChunk(bits, samples, from, to, flags, encoding === FLOAT_HISTOGRAM);
    const chunk = this.#chunk;
    chunk.reset();
    chunk.u8(0x08);
    writeInt64(chunk, samples.timestamps[from]);
    chunk.u8(0x10);
    writeInt64(chunk, samples.timestamps[to - 1]);
    chunk.u8(0x18);
    chunk.uvarint(encoding);
    chunk.u8(0x22);
    chunk.uvarint(bits.byteLength);
    chunk.raw(bits.written());
    writeMessage(this.#series, 0x12, chunk);
  }

  #endFrame(): void {
    const message = new ByteWriter(this.#series.length + 16);
    writeMessage(message, 0x0a, this.#series);
    message.u8(0x10);
    message.uvarint(this.#query);
    const bytes = message.written();
    const checksum = new Uint8Array(4);
    new DataView(checksum.buffer).setUint32(0, crc32c(bytes));
    this.#stream.uvarint(bytes.length);
    this.#stream.raw(checksum);
    this.#stream.raw(bytes);
  }
}
