/** A native histogram with integer counts, as remote write 1.0 carries it. */
export interface NativeHistogram {
  readonly timestampMs: number;
  readonly schema: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  /** Counts of neighbouring buckets, the first at `offset`. */
  readonly positive: { readonly offset: number; readonly counts: readonly number[] };
  readonly negative: { readonly offset: number; readonly counts: readonly number[] };
}

/**
 * A `prometheus.WriteRequest` with one series of native histograms (`types.proto`):
 *
 *     TimeSeries { 1: repeated Label, 4: repeated Histogram }
 *     Histogram  { 1: uint64 count_int, 3: double sum, 4: sint32 schema, 5: double zero_threshold,
 *                  6: uint64 zero_count_int, 8: repeated BucketSpan negative_spans, 9: repeated sint64 negative_deltas,
 *                  11: repeated BucketSpan positive_spans, 12: repeated sint64 positive_deltas, 15: int64 timestamp }
 *     BucketSpan { 1: sint32 offset, 2: uint32 length }
 */
export function nativeHistogramRequest(
  labels: Readonly<Record<string, string>>,
  histograms: readonly NativeHistogram[],
): Buffer {
  const fields = Object.entries(labels).map(([name, value]) =>
    message(1, [bytes(1, Buffer.from(name)), bytes(2, Buffer.from(value))]),
  );
  return message(1, [...fields, ...histograms.map((each) => message(4, histogramFields(each)))]);
}

function histogramFields(histogram: NativeHistogram): Buffer[] {
  const { positive, negative, zeroCount } = histogram;
  const total = [...positive.counts, ...negative.counts].reduce((sum, count) => sum + count, zeroCount);
  return [
    number(1, total),
    double(3, histogram.sum),
    number(4, zigzag(histogram.schema)),
    double(5, histogram.zeroThreshold),
    number(6, zeroCount),
    ...bucketFields(8, negative),
    ...bucketFields(11, positive),
    number(15, histogram.timestampMs),
  ];
}

function bucketFields(field: number, { offset, counts }: NativeHistogram['positive']): Buffer[] {
  if (counts.length === 0) return [];
  const deltas = counts.map((count, i) => varint(zigzag(i === 0 ? count : count - counts[i - 1])));
  return [
    message(field, [number(1, zigzag(offset)), number(2, counts.length)]),
    bytes(field + 1, Buffer.concat(deltas)),
  ];
}

function message(field: number, fields: readonly Buffer[]): Buffer {
  return bytes(field, Buffer.concat(fields));
}

function bytes(field: number, content: Buffer): Buffer {
  return Buffer.concat([varint((field << 3) | 2), varint(content.length), content]);
}

function number(field: number, value: number): Buffer {
  return Buffer.concat([varint(field << 3), varint(value)]);
}

function double(field: number, value: number): Buffer {
  const content = Buffer.alloc(8);
  content.writeDoubleLE(value);
  return Buffer.concat([varint((field << 3) | 1), content]);
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function varint(value: number): Buffer {
  const out: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) out.push((rest % 128) | 0x80);
  out.push(rest);
  return Buffer.from(out);
}
