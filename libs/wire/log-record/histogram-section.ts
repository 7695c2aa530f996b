import {
  ByteReader,
  ByteWriter,
  DecodeError,
  type HistogramFields,
  type HistogramLayout,
  hasIntegerCounts,
  readHistogramCounts,
  readHistogramLayout,
  skipHistogramCounts,
  writeHistogramCounts,
  writeHistogramLayout,
} from '@xscaler/encoding';
import type { FloatHistogram } from '@xscaler/model';
import { writeSection } from './section.ts';

/** What a histogram takes beside layout and counts: three varints, at most. */
const OVERHEAD_BYTES = 15;
const NO_LAYOUT = Buffer.alloc(0);

/** The native histograms of a record that is being written. */
export class HistogramSection {
  readonly #content = new ByteWriter(256);
  readonly #layout = new ByteWriter(64);
  readonly #counts = new ByteWriter(256);
  #layoutBefore = NO_LAYOUT;
  #count = 0;
  #nextSample = 0;
  readonly #marked = { bytes: 0, layoutBefore: this.#layoutBefore, count: 0, nextSample: 0 };

  reset(): void {
    this.#content.reset();
    this.#layoutBefore = NO_LAYOUT;
    this.#count = 0;
    this.#nextSample = 0;
  }

  /** Notes how far the section is, for `rewind`. */
  mark(): void {
    const marked = this.#marked;
    marked.bytes = this.#content.length;
    marked.layoutBefore = this.#layoutBefore;
    marked.count = this.#count;
    marked.nextSample = this.#nextSample;
  }

  /** Takes back what was added since the last `mark`. */
  rewind(): void {
    const { bytes, layoutBefore, count, nextSample } = this.#marked;
    this.#content.length = bytes;
    this.#layoutBefore = layoutBefore;
    this.#count = count;
    this.#nextSample = nextSample;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** An upper bound. */
  get byteLength(): number {
    return this.#content.length + OVERHEAD_BYTES;
  }

  /** Samples ascend. @throws RangeError if the histogram is none; nothing is added then */
  add(sample: number, histogram: FloatHistogram, isInteger: boolean): void {
    const asIntegers = isInteger && hasIntegerCounts(histogram);
    const layout = this.#layout;
    const counts = this.#counts;
    layout.reset();
    counts.reset();
    writeHistogramLayout(layout, histogram, asIntegers);
    writeHistogramCounts(counts, histogram, asIntegers);
    const content = this.#content;
    content.uvarint(sample - this.#nextSample);
    if (this.#layoutBefore.equals(layout.written())) content.uvarint(0);
    else {
      content.uvarint(layout.length);
      content.raw(layout.bytes, 0, layout.length);
      this.#layoutBefore = Buffer.from(layout.written());
    }
    content.uvarint(counts.length);
    content.raw(counts.bytes, 0, counts.length);
    this.#nextSample = sample + 1;
    this.#count++;
  }

  writeTo(frame: ByteWriter, tag: number): void {
    writeSection(frame, tag, this.#count, this.#content);
  }
}

/** Words of a histogram's place: where its layout and its counts begin and end. */
const PLACE_WORDS = 4;

/** Where the native histograms of a record that was read lie in its bytes. */
export class HistogramPlaces {
  count = 0;
  bytes: Uint8Array = new Uint8Array(0);
  /** The sample that each histogram is, ascending; `count` of them. */
  samples = new Uint32Array(16);
  /** Start and end of each one's layout in `bytes`, then of its counts. */
  places = new Uint32Array(16 * PLACE_WORDS);

  reset(): void {
    this.count = 0;
  }

  /** Takes up the content of a section, a view of the record. @throws DecodeError */
  read(content: Uint8Array, sampleCount: number): void {
    const from = new ByteReader(content);
    const count = from.uvarint();
    if (count < 1 || count > sampleCount || count * 5 > from.remaining)
      throw new DecodeError(`${count} histograms among ${sampleCount} samples`);
    this.#reserve(count);
    let layoutStart = 0;
    let layoutEnd = 0;
    let sample = 0;
    for (let i = 0; i < count; i++) {
      sample += from.uvarint();
      if (sample >= sampleCount) throw new DecodeError(`a histogram of sample ${sample}`);
      const layoutLength = from.uvarint();
      if (layoutLength > 0) {
        layoutStart = from.position;
        from.skip(layoutLength);
        layoutEnd = from.position;
      } else if (i === 0) throw new DecodeError('a histogram without a layout');
      const countsLength = from.uvarint();
      const countsStart = from.position;
      from.skip(countsLength);
      this.samples[i] = sample++;
      this.places[PLACE_WORDS * i] = layoutStart;
      this.places[PLACE_WORDS * i + 1] = layoutEnd;
      this.places[PLACE_WORDS * i + 2] = countsStart;
      this.places[PLACE_WORDS * i + 3] = from.position;
    }
    if (from.remaining > 0) throw new DecodeError(`${from.remaining} bytes of histograms too many`);
    this.bytes = content;
    this.#checkAll(count);
    this.count = count;
  }

  /** @throws DecodeError */
  histogram(i: number, sum: number): HistogramFields {
    return readHistogramCounts(this.#counts(i), this.#layout(i), sum);
  }

  /** What a head keeps as bytes must be a histogram. */
  #checkAll(count: number): void {
    let layout: HistogramLayout | undefined;
    for (let i = 0; i < count; i++) {
      const isNew = i === 0 || this.places[PLACE_WORDS * i] !== this.places[PLACE_WORDS * (i - 1)];
      if (layout === undefined || isNew) layout = this.#layout(i);
      const from = this.#counts(i);
      skipHistogramCounts(from, layout);
      if (from.remaining > 0) throw new DecodeError('bytes behind the counts of a histogram');
    }
  }

  #layout(i: number): HistogramLayout {
    const from = new ByteReader(this.bytes, this.places[PLACE_WORDS * i], this.places[PLACE_WORDS * i + 1]);
    const layout = readHistogramLayout(from);
    if (from.remaining > 0) throw new DecodeError('bytes behind the layout of a histogram');
    return layout;
  }

  #counts(i: number): ByteReader {
    return new ByteReader(this.bytes, this.places[PLACE_WORDS * i + 2], this.places[PLACE_WORDS * i + 3]);
  }

  #reserve(count: number): void {
    if (count <= this.samples.length) return;
    const capacity = Math.max(count, 2 * this.samples.length);
    this.samples = new Uint32Array(capacity);
    this.places = new Uint32Array(capacity * PLACE_WORDS);
  }
}
