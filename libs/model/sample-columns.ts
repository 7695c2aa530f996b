import type { FloatHistogram } from './histogram.ts';

/**
 * Samples of one series as parallel columns, growing as they are filled.
 *
 * `timestamps[i]` is in ms since the epoch. `values[i]` carries the exact 64 bits that were written
 * (staleness markers and NaN payloads too), which `valueWords` shows as pairs of 32-bit words, low first.
 * Where `histograms` is set and `histograms[i]` too, sample i is a native histogram and `values[i]` is its sum.
 * Where `startTimes` is set, `startTimes[i]` is the start timestamp of sample i in ms, 0 if it has none.
 *
 * The owner of the columns reuses them: a reader copies what it keeps past the next `reset`.
 */
export class SampleColumns {
  timestamps: Float64Array;
  values: Float64Array;
  valueWords: Uint32Array;
  histograms: (FloatHistogram | undefined)[] | undefined;
  /** At least `length` long if it is set, and 0 beyond what `setStartTime` was told. */
  startTimes: Float64Array | undefined;
  length = 0;

  constructor(capacity = 256) {
    this.timestamps = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.valueWords = new Uint32Array(this.values.buffer);
  }

  reset(): void {
    this.length = 0;
    this.histograms = undefined;
    this.startTimes = undefined;
  }

  /** Makes room for `more` further samples. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.timestamps.length) return;
    const capacity = Math.max(needed, this.timestamps.length * 2);
    const timestamps = new Float64Array(capacity);
    timestamps.set(this.timestamps);
    const values = new Float64Array(capacity);
    const words = new Uint32Array(values.buffer);
    words.set(this.valueWords); // as words: a copy of doubles may quieten a signalling NaN
    this.timestamps = timestamps;
    this.values = values;
    this.valueWords = words;
    if (this.startTimes === undefined) return;
    const startTimes = new Float64Array(capacity);
    startTimes.set(this.startTimes);
    this.startTimes = startTimes;
  }

  /** Tells the start timestamp of a sample that is there already. */
  setStartTime(index: number, startMs: number): void {
    this.startTimes ??= new Float64Array(this.timestamps.length);
    this.startTimes[index] = startMs;
  }

  append(timestampMs: number, value: number): void {
    this.reserve(1);
    this.timestamps[this.length] = timestampMs;
    this.values[this.length] = value;
    this.length++;
  }

  appendWords(timestampMs: number, low: number, high: number): void {
    this.reserve(1);
    const i = this.length++;
    this.timestamps[i] = timestampMs;
    this.valueWords[2 * i] = low;
    this.valueWords[2 * i + 1] = high;
  }

  appendHistogram(timestampMs: number, histogram: FloatHistogram): void {
    this.append(timestampMs, histogram.sum);
    this.histograms ??= [];
    this.histograms[this.length - 1] = histogram;
  }
}
