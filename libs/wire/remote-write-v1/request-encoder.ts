import { ByteWriter } from '@xscaler/encoding';
import { type Exemplar, type Labels, METRIC_TYPES, type MetricMetadata } from '@xscaler/model';
import { type HistogramSample, writeHistogram } from '../histogram/native-histogram-writer.ts';
import { writeLabelSet } from '../labels/label-set.ts';
import { doubleWords, writeInt64, writeMessage } from '../protobuf/protobuf-writer.ts';

/** A series of a request; values are written bit for bit as `Float64Array` holds them. */
export interface WriteSeries {
  readonly labels: Labels;
  readonly timestamps: readonly number[] | Float64Array;
  readonly values: readonly number[] | Float64Array;
  readonly histograms?: readonly HistogramSample[];
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

function seriesMessage({ labels, timestamps, values, exemplars, histograms }: WriteSeries): ByteWriter {
  const message = new ByteWriter(256);
  writeLabelSet(labels.pairs, message);
  const words = doubleWords(values);
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
  for (const histogram of histograms ?? []) {
    const one = new ByteWriter(128);
    writeHistogram(histogram, one);
    writeMessage(message, 0x22, one);
  }
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
