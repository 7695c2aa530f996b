import { METRIC_NAME } from '@xscaler/model';

/** Sizes that label limits apply to, in bytes of UTF-8. The value of `__name__` does not count as a label value. */
export interface LabelSizes {
  readonly longestNameBytes: number;
  readonly longestValueBytes: number;
  readonly metricNameBytes: number;
}

/** Of labels as flat pairs. */
export function sizesOf(pairs: readonly string[]): LabelSizes {
  let longestNameBytes = 0;
  let longestValueBytes = 0;
  let metricNameBytes = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    const valueBytes = Buffer.byteLength(pairs[i + 1]);
    longestNameBytes = Math.max(longestNameBytes, Buffer.byteLength(pairs[i]));
    if (pairs[i] === METRIC_NAME) metricNameBytes = valueBytes;
    else longestValueBytes = Math.max(longestValueBytes, valueBytes);
  }
  return { longestNameBytes, longestValueBytes, metricNameBytes };
}

/** Name of the first label, of flat pairs, whose value has this many bytes. */
export function labelWithValueOf(pairs: readonly string[], valueBytes: number): string {
  const isIt = (_: string, i: number) =>
    i % 2 === 0 && pairs[i] !== METRIC_NAME && Buffer.byteLength(pairs[i + 1]) === valueBytes;
  return pairs.find(isIt) ?? '';
}
