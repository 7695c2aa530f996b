import { ByteWriter } from '@xscaler/encoding';
import { type Exemplar, type Labels, METRIC_TYPES, type MetricMetadata } from '@xscaler/model';
import { type HistogramSample, writeHistogram } from '../histogram/native-histogram-writer.ts';
import { doubleWords, writeInt64, writeMessage } from '../protobuf/protobuf-writer.ts';

/** A series of a remote write 2.0 request; values are written bit for bit as `Float64Array` holds them. */
export interface WriteSeriesV2 {
  readonly labels: Labels;
  readonly timestamps?: readonly number[];
  readonly values?: readonly number[] | Float64Array;
  /** One a sample, 0 if there is none. */
  readonly startTimes?: readonly number[];
  readonly histograms?: readonly HistogramSample[];
  readonly exemplars?: readonly Exemplar[];
  readonly metadata?: Omit<MetricMetadata, 'metric'>;
  /** `created_timestamp` of the series, as senders before 2.0-rc.4 have it. */
  readonly createdMs?: number;
}

/** A remote write 2.0 request (`io.prometheus.write.v2.Request`), not compressed yet: see `packSnappy`. */
export function encodeWriteRequestV2(series: Iterable<WriteSeriesV2>): Uint8Array<ArrayBuffer> {
  const symbols = new Symbols();
  const messages = [...series].map((one) => seriesMessage(one, symbols));
  const request = new ByteWriter(4096);
  for (const text of symbols.texts) {
    request.u8(0x22);
    request.string(text);
  }
  for (const message of messages) writeMessage(request, 0x2a, message);
  return request.take();
}

class Symbols {
  readonly #numbers = new Map<string, number>([['', 0]]);

  get texts(): Iterable<string> {
    return this.#numbers.keys();
  }

  of(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#numbers.set(text, this.#numbers.size);
    return this.#numbers.size - 1;
  }
}

function seriesMessage(series: WriteSeriesV2, symbols: Symbols): ByteWriter {
  const { timestamps = [], values = [], startTimes, histograms = [], exemplars = [], metadata } = series;
  const message = new ByteWriter(256);
  writeRefs(series.labels, symbols, message);
  const words = doubleWords(values);
  for (let i = 0; i < timestamps.length; i++) {
    const sample = new ByteWriter(32);
    sample.u8(0x09);
    sample.u32(words[2 * i]);
    sample.u32(words[2 * i + 1]);
    sample.u8(0x10);
    writeInt64(sample, timestamps[i]);
    if (startTimes !== undefined && startTimes[i] !== 0) {
      sample.u8(0x18);
      writeInt64(sample, startTimes[i]);
    }
    writeMessage(message, 0x12, sample);
  }
  for (const histogram of histograms) {
    const one = new ByteWriter(128);
    writeHistogram(histogram, one);
    writeMessage(message, 0x1a, one);
  }
  for (const exemplar of exemplars) writeMessage(message, 0x22, exemplarMessage(exemplar, symbols));
  if (metadata !== undefined) {
    const one = new ByteWriter(16);
    one.u8(0x08);
    one.uvarint(METRIC_TYPES.indexOf(metadata.type));
    one.u8(0x18);
    one.uvarint(symbols.of(metadata.help));
    one.u8(0x20);
    one.uvarint(symbols.of(metadata.unit));
    writeMessage(message, 0x2a, one);
  }
  if (series.createdMs !== undefined) {
    message.u8(0x30);
    writeInt64(message, series.createdMs);
  }
  return message;
}

function exemplarMessage({ labels, value, timestampMs }: Exemplar, symbols: Symbols): ByteWriter {
  const message = new ByteWriter(64);
  writeRefs(labels, symbols, message);
  message.u8(0x11);
  message.f64(value);
  message.u8(0x18);
  writeInt64(message, timestampMs);
  return message;
}

function writeRefs(labels: Labels, symbols: Symbols, to: ByteWriter): void {
  const refs = new ByteWriter(64);
  for (const text of labels.pairs) refs.uvarint(symbols.of(text));
  writeMessage(to, 0x0a, refs);
}
