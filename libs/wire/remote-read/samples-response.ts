import { ByteWriter } from '@xscaler/encoding';
import type { Labels, SampleColumns } from '@xscaler/model';
import { writeHistogram } from '../histogram/native-histogram-writer.ts';
import { writeLabelSet } from '../labels/label-set.ts';
import { writeInt64, writeMessage } from '../protobuf/protobuf-writer.ts';
import { packSnappy } from '../snappy/snappy-block.ts';
import { ResponsePieces } from './response-pieces.ts';

/*
 * `prometheus.ReadResponse` (prompb/remote.proto, types.proto), in one snappy block:
 *
 *     ReadResponse { 1: repeated QueryResult }                        one for each query, in order
 *     QueryResult  { 1: repeated TimeSeries }                         sorted by labels
 *     TimeSeries   { 1: repeated Label, 2: repeated Sample, 4: repeated Histogram }
 *     Sample       { 1: double value, 2: int64 time in ms }
 */

/** Writes an answer of kind SAMPLES: for each query `beginQuery`, then its series. */
export class SamplesResponseWriter {
  readonly contentType = 'application/x-protobuf';
  readonly contentEncoding = 'snappy';
  readonly #results: ResponsePieces[] = [];
  readonly #series = new ByteWriter(4096);

  /** Of what is written so far, before compression. */
  get byteLength(): number {
    return this.#results.reduce((sum, result) => sum + result.byteLength, 0);
  }

  beginQuery(): void {
    this.#results.push(new ResponsePieces());
  }

  addSeries(labels: Labels, samples: SampleColumns): void {
    const series = this.#series;
    series.reset();
    writeLabelSet(labels.pairs, series);
    for (let i = 0; i < samples.length; i++) if (!samples.histograms?.[i]) writeSample(series, samples, i);
    if (samples.histograms) writeHistograms(series, samples);
    const result = this.#results[this.#results.length - 1];
    result.u8(0x0a);
    result.uvarint(series.length);
    result.raw(series.written());
  }

  finish(): Uint8Array {
    const heads = this.#results.map(({ byteLength }) => {
      const head = new ByteWriter(10);
      head.u8(0x0a);
      head.uvarint(byteLength);
      return head.take();
    });
    const headBytes = heads.reduce((sum, { length }) => sum + length, 0);
    const response = new Uint8Array(headBytes + this.byteLength);
    let at = 0;
    for (const [i, result] of this.#results.entries()) {
      response.set(heads[i], at);
      at = result.copyTo(response, at + heads[i].length);
    }
    return packSnappy(response);
  }
}

/** Tag, length, then at most value (1 + 8 bytes) and time (1 + 10). */
const SAMPLE_MAX_BYTES = 22;

function writeSample(to: ByteWriter, { timestamps, valueWords }: SampleColumns, i: number): void {
  to.reserve(SAMPLE_MAX_BYTES);
  to.u8(0x12);
  const lengthAt = to.length;
  to.u8(0);
  to.u8(0x09);
  to.u32(valueWords[2 * i]);
  to.u32(valueWords[2 * i + 1]);
  to.u8(0x10);
  if (timestamps[i] >= 0) to.uvarint(timestamps[i]);
  else writeInt64(to, timestamps[i]);
  // One byte says it: it is below 128.
  to.bytes[lengthAt] = to.length - lengthAt - 1;
}

function writeHistograms(
  to: ByteWriter,
  { histograms = [], timestamps, valueWords, length }: SampleColumns,
): void {
  const message = new ByteWriter(256);
  for (let i = 0; i < length; i++) {
    const histogram = histograms[i];
    if (histogram === undefined) continue;
    message.reset();
    writeHistogram({ histogram, timestampMs: timestamps[i] }, message);
    // Once more, bit for bit: of a field that is there twice the last one stands, and a number may lose a NaN's payload.
    message.u8(0x19);
    message.u32(valueWords[2 * i]);
    message.u32(valueWords[2 * i + 1]);
    writeMessage(to, 0x22, message);
  }
}
