import { ByteReader, ByteWriter, DecodeError } from '@xscaler/encoding';

/*
 *   symbols page  := entry …                              one for each value, sorted by bytes
 *   entry         := shared uvarint, rest string, length uvarint
 *   postings page := list …                               as many bytes each as the entry's `length` says
 *   list          := (gap × 2 + more uvarint, run uvarint if more = 1) …
 *
 * `shared` bytes are those of the value before. A list's numbers ascend: `gap` are skipped (from 0, or behind the
 * number before), then there is one, or there are run + 2 in a row.
 */

/** Collects pages of values with their lists. */
export class ValuePageWriter {
  readonly #symbols = new ByteWriter(4096);
  readonly #postings = new ByteWriter(4096);
  #last = Buffer.alloc(0);
  firstValue = '';
  valueCount = 0;

  /** Numbers ascend. */
  add(value: string, numbers: Uint32Array): void {
    if (this.valueCount === 0) this.firstValue = value;
    this.valueCount++;
    const bytes = Buffer.from(value, 'utf8');
    const shared = sharedBytes(this.#last, bytes);
    this.#last = bytes;
    const before = this.#postings.length;
    writeList(this.#postings, numbers);
    this.#symbols.uvarint(shared);
    this.#symbols.uvarint(bytes.length - shared);
    this.#symbols.raw(bytes, shared);
    this.#symbols.uvarint(this.#postings.length - before);
  }

  get symbolBytes(): number {
    return this.#symbols.length;
  }

  get postingBytes(): number {
    return this.#postings.length;
  }

  /** The two pages as views that the next `add` may change. */
  written(): { symbols: Uint8Array; postings: Uint8Array } {
    return { symbols: this.#symbols.written(), postings: this.#postings.written() };
  }

  reset(): void {
    this.#symbols.reset();
    this.#postings.reset();
    this.#last = Buffer.alloc(0);
    this.valueCount = 0;
  }
}

function sharedBytes(a: Uint8Array, b: Uint8Array): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}

function writeList(writer: ByteWriter, numbers: Uint32Array): void {
  let next = 0;
  for (let i = 0; i < numbers.length; ) {
    const first = numbers[i];
    let end = i + 1;
    while (end < numbers.length && numbers[end] === first + (end - i)) end++;
    const run = end - i;
    writer.uvarint((first - next) * 2 + (run > 1 ? 1 : 0));
    if (run > 1) writer.uvarint(run - 2);
    next = first + run;
    i = end;
  }
}

/** A page of values and where the list of each is in its postings page. */
export interface ValuesOfPage {
  readonly values: readonly string[];
  /** List i is bytes offsets[i] … offsets[i + 1]. */
  readonly offsets: readonly number[];
}

/** @throws DecodeError */
export function decodeSymbols(bytes: Uint8Array): ValuesOfPage {
  const reader = new ByteReader(bytes);
  const values: string[] = [];
  const offsets = [0];
  const text = new ByteWriter(256);
  while (reader.remaining > 0) {
    const shared = reader.uvarint();
    if (shared > text.length) throw new DecodeError('symbols: more bytes shared than there are');
    text.length = shared;
    text.raw(reader.raw(reader.uvarint()));
    values.push(Buffer.from(text.written()).toString('utf8'));
    offsets.push(offsets[offsets.length - 1] + reader.uvarint());
  }
  return { values, offsets };
}

/** The numbers of one list, all below `seriesCount`. @throws DecodeError */
export function decodeList(
  bytes: Uint8Array,
  start: number,
  end: number,
  seriesCount: number,
): Uint32Array<ArrayBuffer> {
  const count = walkList(bytes, start, end, seriesCount, undefined);
  const numbers = new Uint32Array(count);
  walkList(bytes, start, end, seriesCount, numbers);
  return numbers;
}

/** Counts the numbers of a list, and stores them if there is a place. */
function walkList(
  bytes: Uint8Array,
  start: number,
  end: number,
  seriesCount: number,
  numbers: Uint32Array | undefined,
): number {
  if (end > bytes.length) throw new DecodeError('postings: cut short');
  const reader = new ByteReader(bytes, start, end);
  let next = 0;
  let count = 0;
  while (reader.remaining > 0) {
    const head = reader.uvarint();
    const first = next + Math.floor(head / 2);
    const run = head % 2 === 1 ? reader.uvarint() + 2 : 1;
    next = first + run;
    if (next > seriesCount) throw new DecodeError('postings: a series beyond the last');
    if (numbers) for (let i = 0; i < run; i++) numbers[count + i] = first + i;
    count += run;
  }
  return count;
}
