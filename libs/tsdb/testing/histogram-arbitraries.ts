import {
  ByteWriter,
  type HistogramFields,
  writeHistogramCounts,
  writeHistogramLayout,
} from '@xscaler/encoding';
import fc from 'fast-check';
import type { HistogramBytes } from '../chunk/histogram-bytes.ts';

/*
 * Native histograms for tests: layouts that repeat, as those of one series do, and counts of every kind.
 */
const LAYOUTS: readonly Omit<HistogramFields, 'isInteger' | 'count' | 'zeroCount' | 'sum'>[] = [
  {
    schema: 3,
    zeroThreshold: 2 ** -128,
    positiveSpans: [
      { offset: -2, length: 2 },
      { offset: 5, length: 3 },
    ],
    positiveBuckets: [0, 0, 0, 0, 0],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: [],
    counterResetHint: 'unknown',
  },
  {
    schema: -4,
    zeroThreshold: 0.5,
    positiveSpans: [{ offset: 0, length: 1 }],
    positiveBuckets: [0],
    negativeSpans: [{ offset: 3, length: 2 }],
    negativeBuckets: [0, 0],
    customValues: [],
    counterResetHint: 'gauge',
  },
  {
    schema: -53,
    zeroThreshold: 0,
    positiveSpans: [{ offset: 0, length: 3 }],
    positiveBuckets: [0, 0, 0],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: [0.1, 2.5],
    counterResetHint: 'not_reset',
  },
  {
    schema: 8,
    zeroThreshold: 1e-128,
    positiveSpans: [],
    positiveBuckets: [],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: [],
    counterResetHint: 'reset',
  },
];

const integerCount = fc.oneof(fc.nat(100), fc.nat(2 ** 31 - 1), fc.maxSafeNat());
const floatCount = fc.oneof(fc.nat(100), fc.double({ noNaN: true }), fc.constantFrom(-0, Infinity, 5e-324));

export const histogramFields: fc.Arbitrary<HistogramFields> = fc
  .tuple(fc.constantFrom(...LAYOUTS), fc.boolean())
  .chain(([layout, isInteger]) => {
    const count = isInteger ? integerCount : floatCount;
    const buckets = layout.positiveBuckets.length + layout.negativeBuckets.length;
    return fc
      .tuple(fc.array(count, { minLength: buckets + 2, maxLength: buckets + 2 }), fc.boolean())
      .map(([counts, isSummedUp]) => {
        const total = counts.slice(1).reduce((sum, one) => sum + one, 0);
        return {
          ...layout,
          isInteger,
          count: isSummedUp && Number.isSafeInteger(total) ? total : counts[0],
          zeroCount: counts[1],
          sum: 0,
          positiveBuckets: counts.slice(2, 2 + layout.positiveBuckets.length),
          negativeBuckets: counts.slice(2 + layout.positiveBuckets.length),
        };
      });
  });

/** A histogram as it comes to a head. */
export function histogramBytes(histogram: HistogramFields): HistogramBytes {
  const writer = new ByteWriter(64);
  writer.u8(0xaa); // so that nothing begins at 0
  writeHistogramLayout(writer, histogram, histogram.isInteger);
  const layoutEnd = writer.length;
  writeHistogramCounts(writer, histogram, histogram.isInteger);
  const bytes = writer.take();
  return { bytes, layoutStart: 1, layoutEnd, countsStart: layoutEnd, countsEnd: bytes.length };
}
