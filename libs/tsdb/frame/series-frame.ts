import { ByteReader, ByteWriter, DecodeError } from '@xscaler/encoding';
import { ID_WORDS, Labels } from '@xscaler/model';
import { CHUNK_MAX_DURATION_MS, CHUNK_MAX_SAMPLES, type ChunkView, newChunkView } from '../chunk/chunk.ts';

/*
 * How series travel from heads and blocks to a querier.
 *
 *   frame  := version u8, partition uvarint, fromOffset (uvarint in version 1, varint in version 2),
 *             nameCount uvarint, name string …,
 *             pairCount uvarint, (nameRef uvarint, value string) …,
 *             seriesCount uvarint, series …
 *   series := id (four u32), labelCount uvarint, pairRef uvarint …, chunkCount uvarint, chunk …
 *   chunk  := encoding u8, minTimeMs varint, duration uvarint, count uvarint, byteLength uvarint, bytes
 *
 * Version 2 is written for offsets below zero alone: of blocks from a log that was replaced.
 *
 * References count from 0 in the order of the tables. A series' labels are sorted by name. Partition and fromOffset
 * say which head the data comes from: of samples at one time, that of the lowest (partition, fromOffset) stands,
 * within a frame that of the chunk listed first.
 */
const VERSION = 1;
const BELOW_ZERO_VERSION = 2;

/** Collects series into a frame. Label pairs are known by numbers of the caller's. */
export class SeriesFrameWriter {
  readonly #head = new ByteWriter(64);
  readonly #names = new ByteWriter(256);
  readonly #pairs = new ByteWriter(4096);
  readonly #series = new ByteWriter(16_384);
  #partition: number;
  #fromOffset: number;
  readonly #nameRefs = new Map<string, number>();
  readonly #pairRefs = new Map<number, number>();
  #seriesCount = 0;

  constructor(partition: number, fromOffset: number) {
    this.#partition = partition;
    this.#fromOffset = fromOffset;
  }

  get seriesCount(): number {
    return this.#seriesCount;
  }

  /** Bytes that it has room for. */
  get capacity(): number {
    return this.#series.bytes.length + this.#pairs.bytes.length + this.#names.bytes.length;
  }

  get byteLength(): number {
    return this.#names.length + this.#pairs.length + this.#series.length;
  }

  /** Makes room at once for about this many bytes of series. */
  expect(bytes: number): void {
    this.#series.reserve(bytes);
  }

  /** `ids` holds the id at word `at`; `labelCount` calls of `addLabel` and `chunkCount` of `addChunk` follow. */
  addSeries(ids: Int32Array, at: number, labelCount: number): void {
    for (let i = 0; i < ID_WORDS; i++) this.#series.u32(ids[at + i] >>> 0);
    this.#series.uvarint(labelCount);
    this.#seriesCount++;
  }

  /** Whether the frame knows the pair; if not, it must be defined before it is added. */
  hasPair(pair: number): boolean {
    return this.#pairRefs.has(pair);
  }

  definePair(pair: number, name: string, value: string): void {
    let nameRef = this.#nameRefs.get(name);
    if (nameRef === undefined) {
      nameRef = this.#nameRefs.size;
      this.#nameRefs.set(name, nameRef);
      this.#names.string(name);
    }
    this.#pairRefs.set(pair, this.#pairRefs.size);
    this.#pairs.uvarint(nameRef);
    this.#pairs.string(value);
  }

  addLabel(pair: number): void {
    this.#series.uvarint(this.#pairRefs.get(pair) as number);
  }

  beginChunks(chunkCount: number): void {
    this.#series.uvarint(chunkCount);
  }

  addChunk(chunk: ChunkView): void {
    const series = this.#series;
    series.u8(chunk.encoding);
    series.varint(chunk.minTimeMs);
    series.uvarint(chunk.maxTimeMs - chunk.minTimeMs);
    series.uvarint(chunk.count);
    series.uvarint(chunk.end - chunk.start);
    series.raw(chunk.bytes, chunk.start, chunk.end);
  }

  /** The frame, alone in its ArrayBuffer; the writer is empty afterwards. */
  take(): Uint8Array<ArrayBuffer> {
    return this.takeInto((length) => new Uint8Array(length));
  }

  /** The frame in what `allocate` gives for its length; the writer is empty afterwards. */
  takeInto<T extends Uint8Array>(allocate: (length: number) => T): T {
    const head = this.#head;
    head.reset();
    head.u8(this.#fromOffset < 0 ? BELOW_ZERO_VERSION : VERSION);
    head.uvarint(this.#partition);
    if (this.#fromOffset < 0) head.varint(this.#fromOffset);
    else head.uvarint(this.#fromOffset);
    head.uvarint(this.#nameRefs.size);
    const pairCount = new ByteWriter(8);
    pairCount.uvarint(this.#pairRefs.size);
    const seriesCount = new ByteWriter(8);
    seriesCount.uvarint(this.#seriesCount);
    const pieces = [head, this.#names, pairCount, this.#pairs, seriesCount, this.#series];
    const frame = allocate(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      frame.set(piece.written(), at);
      at += piece.length;
    }
    this.#reset();
    return frame;
  }

  /** Begins a frame of another head; what was added and not taken is gone. */
  restart(partition: number, fromOffset: number): void {
    this.#partition = partition;
    this.#fromOffset = fromOffset;
    this.#reset();
  }

  #reset(): void {
    for (const piece of [this.#names, this.#pairs, this.#series]) piece.reset();
    this.#nameRefs.clear();
    this.#pairRefs.clear();
    this.#seriesCount = 0;
  }
}

/** Walks a frame: `next` to each series, `nextChunk` to each of its chunks. All of it throws `DecodeError`. */
export class SeriesFrameReader {
  readonly partition: number;
  readonly fromOffset: number;
  readonly seriesCount: number;
  /** Of the series at hand. */
  readonly id = new Int32Array(ID_WORDS);
  chunkCount = 0;
  readonly #reader: ByteReader;
  /** Flat: name, value for each pair of the frame. */
  readonly #pairs: string[] = [];
  readonly #labelRefs: number[] = [];
  readonly #skipped = newChunkView();
  #seriesRead = 0;
  #chunksRead = 0;

  constructor(bytes: Uint8Array) {
    const reader = new ByteReader(bytes);
    this.#reader = reader;
    const version = reader.u8();
    if (version !== VERSION && version !== BELOW_ZERO_VERSION)
      throw new DecodeError(
        `series frame of version ${version}; ${VERSION} and ${BELOW_ZERO_VERSION} are known`,
      );
    this.partition = reader.uvarint();
    this.fromOffset = version === VERSION ? reader.uvarint() : reader.varint();
    const names: string[] = [];
    for (let left = this.#count(1); left > 0; left--) names.push(reader.string());
    for (let left = this.#count(2); left > 0; left--) {
      const name = names[reader.uvarint()];
      if (name === undefined) throw new DecodeError('series frame: a pair of an unknown name');
      this.#pairs.push(name, reader.string());
    }
    this.seriesCount = this.#count(ID_WORDS * 4 + 2);
  }

  /** Moves to the next series; false at the end. */
  next(): boolean {
    while (this.#chunksRead < this.chunkCount) this.nextChunk(this.#skipped);
    if (this.#seriesRead === this.seriesCount) {
      if (this.#reader.remaining > 0) throw new DecodeError('series frame: bytes behind the last series');
      return false;
    }
    this.#seriesRead++;
    for (let i = 0; i < ID_WORDS; i++) this.id[i] = this.#reader.u32();
    this.#labelRefs.length = 0;
    for (let left = this.#count(1); left > 0; left--) this.#labelRefs.push(this.#reader.uvarint());
    this.chunkCount = this.#count(5);
    this.#chunksRead = 0;
    return true;
  }

  /** The labels of the series at hand. */
  labels(): Labels {
    const texts: string[] = [];
    for (const ref of this.#labelRefs) {
      if (2 * ref >= this.#pairs.length) throw new DecodeError('series frame: an unknown pair');
      texts.push(this.#pairs[2 * ref], this.#pairs[2 * ref + 1]);
    }
    return Labels.fromSorted(texts);
  }

  /** Fills `chunk` with the next one of the series at hand, its bytes a view of the frame; false behind the last. */
  nextChunk(chunk: ChunkView): boolean {
    if (this.#chunksRead === this.chunkCount) return false;
    this.#chunksRead++;
    const reader = this.#reader;
    chunk.encoding = reader.u8();
    chunk.minTimeMs = reader.varint();
    const duration = reader.uvarint();
    chunk.maxTimeMs = chunk.minTimeMs + duration;
    chunk.count = reader.uvarint();
    if (duration > CHUNK_MAX_DURATION_MS) throw new DecodeError('series frame: a chunk lasts too long');
    if (chunk.count < 1 || chunk.count > CHUNK_MAX_SAMPLES)
      throw new DecodeError('series frame: an impossible count');
    const length = reader.uvarint();
    chunk.bytes = reader.bytes;
    chunk.start = reader.position;
    reader.skip(length);
    chunk.end = reader.position;
    return true;
  }

  /** A count of things that take at least `leastBytes` each: no more than there is room for. */
  #count(leastBytes: number): number {
    const count = this.#reader.uvarint();
    if (count * leastBytes > this.#reader.remaining) throw new DecodeError('series frame: cut short');
    return count;
  }
}
