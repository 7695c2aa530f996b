/**
 * Length of a span, ms: a block's exemplars lie by spans, so that a read of a few minutes of many series reads little
 * else. Spans are counted from the epoch. It is part of the format of blocks: another length takes another version of that.
 */
const SPAN_MS = 900_000;

/** The number of the span that a time lies in; ±Infinity stays so. */
export function spanOf(timeMs: number): number {
  return Math.floor(timeMs / SPAN_MS);
}
