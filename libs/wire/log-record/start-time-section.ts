import { ByteReader, ByteWriter, DecodeError } from '@xscaler/encoding';
import { MAX_TIMESTAMP_MS } from './format.ts';

/** What the run at hand takes, at most: two heads and a difference, and the section's own tag and length. */
const OVERHEAD_BYTES = 32;

/** The start timestamps of a record that is being written: runs of samples that have the same one. */
export class StartTimeSection {
  readonly #content = new ByteWriter(64);
  /** Samples that are in runs, the one at hand included. */
  #covered = 0;
  #run = 0;
  #startMs = 0;
  #writtenMs = 0;
  readonly #marked = { bytes: 0, covered: 0, run: 0, startMs: 0, writtenMs: 0 };

  reset(): void {
    this.#content.reset();
    this.#covered = 0;
    this.#run = 0;
    this.#startMs = 0;
    this.#writtenMs = 0;
  }

  /** Notes how far the section is, for `rewind`. */
  mark(): void {
    const marked = this.#marked;
    marked.bytes = this.#content.length;
    marked.covered = this.#covered;
    marked.run = this.#run;
    marked.startMs = this.#startMs;
    marked.writtenMs = this.#writtenMs;
  }

  /** Takes back what was told since the last `mark`. */
  rewind(): void {
    const { bytes, covered, run, startMs, writtenMs } = this.#marked;
    this.#content.length = bytes;
    this.#covered = covered;
    this.#run = run;
    this.#startMs = startMs;
    this.#writtenMs = writtenMs;
  }

  get isEmpty(): boolean {
    return this.#covered === 0;
  }

  /** An upper bound. */
  get byteLength(): number {
    return this.#content.length + OVERHEAD_BYTES;
  }

  /** Samples ascend; told once more, a sample keeps what was told first. */
  set(sample: number, startMs: number): void {
    const gap = sample - this.#covered;
    if (gap < 0) return;
    if (gap > 0 || startMs !== this.#startMs) {
      this.#closeRun();
      if (gap > 0) this.#content.uvarint(gap * 2);
      this.#startMs = startMs;
    }
    this.#run++;
    this.#covered = sample + 1;
  }

  writeTo(frame: ByteWriter, tag: number): void {
    this.#closeRun();
    frame.u8(tag);
    frame.uvarint(this.#content.length);
    frame.raw(this.#content.bytes, 0, this.#content.length);
  }

  #closeRun(): void {
    if (this.#run === 0) return;
    this.#content.uvarint(this.#run * 2 + 1);
    this.#content.varint(this.#startMs - this.#writtenMs);
    this.#writtenMs = this.#startMs;
    this.#run = 0;
  }
}

/** Fills `startTimes[0, sampleCount)` from a section's content. @throws DecodeError */
export function readStartTimes(content: Uint8Array, startTimes: Float64Array, sampleCount: number): void {
  const from = new ByteReader(content);
  let sample = 0;
  let startMs = 0;
  while (from.remaining > 0) {
    const head = from.uvarint();
    const run = Math.floor(head / 2);
    if (run < 1 || run > sampleCount - sample) throw new DecodeError('start timestamps of too many samples');
    if (head % 2 === 1) {
      startMs += from.varint();
      if (startMs === 0 || Math.abs(startMs) > MAX_TIMESTAMP_MS)
        throw new DecodeError(`a start timestamp of ${startMs} ms`);
    }
    startTimes.fill(head % 2 === 1 ? startMs : 0, sample, sample + run);
    sample += run;
  }
  startTimes.fill(0, sample, sampleCount);
}
