import { ByteReader, type ByteWriter } from '@xscaler/encoding';
import { type Exemplar, Labels } from '@xscaler/model';

/*
 *   page     := series …                            one may come again: its exemplars go on
 *   series   := number uvarint, count uvarint, exemplar …
 *   exemplar := timestampMs varint, value f64, labelCount uvarint, (name string, value string) …
 */
export interface ExemplarsOfSeries {
  readonly series: number;
  readonly exemplars: readonly Exemplar[];
}

export function encodeExemplars(writer: ByteWriter, series: number, exemplars: readonly Exemplar[]): void {
  encodeExemplarHeader(writer, series, exemplars.length);
  for (const exemplar of exemplars) encodeExemplar(writer, exemplar);
}

export function encodeExemplarHeader(writer: ByteWriter, series: number, count: number): void {
  writer.uvarint(series);
  writer.uvarint(count);
}

export function encodeExemplar(writer: ByteWriter, { timestampMs, value, labels }: Exemplar): void {
  writer.varint(timestampMs);
  writer.f64(value);
  writer.uvarint(labels.size);
  for (const text of labels.pairs) writer.string(text);
}

/** @throws DecodeError */
export function decodeExemplars(bytes: Uint8Array): ExemplarsOfSeries[] {
  const reader = new ByteReader(bytes);
  const found: ExemplarsOfSeries[] = [];
  while (reader.remaining > 0) {
    const series = reader.uvarint();
    const exemplars: Exemplar[] = [];
    for (let left = reader.uvarint(); left > 0; left--) {
      const timestampMs = reader.varint();
      const value = reader.f64();
      const texts: string[] = [];
      for (let labels = reader.uvarint(); labels > 0; labels--) texts.push(reader.string(), reader.string());
      exemplars.push({ timestampMs, value, labels: Labels.fromSorted(texts) });
    }
    found.push({ series, exemplars });
  }
  return found;
}
