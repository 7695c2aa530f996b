import { APPEND_CONFLICT, APPEND_DUPLICATE, APPEND_STORED, type AppendOutcome } from './append-outcome.ts';

/** Samples of one series that came behind a younger one, sorted by time, each time once. */
export class LateSamples {
  times: Int32Array<ArrayBuffer>;
  /** Two words a sample, low first. */
  words: Int32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity = 8) {
    this.times = new Int32Array(capacity);
    this.words = new Int32Array(capacity * 2);
  }

  get byteSize(): number {
    return this.times.byteLength + this.words.byteLength;
  }

  /** The first value of a time stands. */
  insert(time: number, low: number, high: number): AppendOutcome {
    const at = this.#position(time);
    if (at < this.length && this.times[at] === time) {
      const same = this.words[2 * at] === low && this.words[2 * at + 1] === high;
      return same ? APPEND_DUPLICATE : APPEND_CONFLICT;
    }
    if (this.length === this.times.length) this.#grow();
    this.times.copyWithin(at + 1, at, this.length);
    this.words.copyWithin(2 * at + 2, 2 * at, 2 * this.length);
    this.times[at] = time;
    this.words[2 * at] = low;
    this.words[2 * at + 1] = high;
    this.length++;
    return APPEND_STORED;
  }

  /** A copy that later inserts don't change. */
  copy(): LateSamples {
    const copy = new LateSamples(0);
    copy.times = this.times.slice(0, this.length);
    copy.words = this.words.slice(0, 2 * this.length);
    copy.length = this.length;
    return copy;
  }

  /** Where `time` is, or would be. */
  #position(time: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.times[middle] < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #grow(): void {
    const times = new Int32Array(this.times.length * 2);
    times.set(this.times);
    this.times = times;
    const words = new Int32Array(times.length * 2);
    words.set(this.words);
    this.words = words;
  }
}
