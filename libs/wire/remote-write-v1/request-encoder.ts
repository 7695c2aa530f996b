import { ByteWriter } from '@xscaler/encoding';
import { type Exemplar, type Labels, METRIC_TYPES, type MetricMetadata } from '@xscaler/model';
import { writeLabelSet } from '../label-set.ts';

/** A series of a request; values are written bit for bit as `Float64Array` holds them. */
export interface WriteSeries {
  readonly labels: Labels;
  readonly timestamps: readonly number[] | Float64Array;
  readonly values: readonly number[] | Float64Array;
  readonly exemplars?: readonly Exemplar[];
}

/**
 * A remote write 1.0 request (`prometheus.WriteRequest`), not compressed yet: see `packSnappy`.
 * Plain code for the server's own metrics and for tests.
 */
export function encodeWriteRequest(
  series: Iterable<WriteSeries>,
  metadata: Iterable<MetricMetadata> = [],
): Uint8Array<ArrayBuffer> {
  const request = new ByteWriter(4096);
  for (const one of series) writeMessage(request, 0x0a, seriesMessage(one));
  for (const one of metadata) writeMessage(request, 0x1a, metadataMessage(one));
  return request.take();
}

function seriesMessage({ labels, timestamps, values, exemplars }: WriteSeries): ByteWriter {
  const message = new ByteWriter(256);
  writeLabelSet(labels.pairs, message);
  const words = valueWords(values);
  for (let i = 0; i < timestamps.length; i++) {
    const sample = new ByteWriter(20);
    sample.u8(0x09);
    sample.u32(words[2 * i]);
    sample.u32(words[2 * i + 1]);
    sample.u8(0x10);
    writeInt64(sample, timestamps[i]);
    writeMessage(message, 0x12, sample);
  }
  for (const exemplar of exemplars ?? []) writeMessage(message, 0x1a, exemplarMessage(exemplar));
  return message;
}

function exemplarMessage({ labels, value, timestampMs }: Exemplar): ByteWriter {
  const message = new ByteWriter(64);
  writeLabelSet(labels.pairs, message);
  message.u8(0x11);
  message.f64(value);
  message.u8(0x18);
  writeInt64(message, timestampMs);
  return message;
}

function metadataMessage({ metric, type, help, unit }: MetricMetadata): ByteWriter {
  const message = new ByteWriter(64);
  message.u8(0x08);
  message.uvarint(METRIC_TYPES.indexOf(type));
  message.u8(0x12);
  message.string(metric);
  message.u8(0x22);
  message.string(help);
  message.u8(0x2a);
  message.string(unit);
  return message;
}

function writeMessage(to: ByteWriter, tag: number, message: ByteWriter): void {
  to.u8(tag);
  to.uvarint(message.length);
  to.raw(message.bytes, 0, message.length);
}

function valueWords(values: readonly number[] | Float64Array): Uint32Array {
  const doubles = values instanceof Float64Array ? values : Float64Array.from(values);
  return new Uint32Array(doubles.buffer, doubles.byteOffset, 2 * doubles.length);
}

/** Any 64-bit integer that a double can hold, negative ones in ten bytes as protobuf has it. */
function writeInt64(to: ByteWriter, value: number): void {
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) to.u8(Number(rest & 0x7fn) | 0x80);
  to.u8(Number(rest));
}
