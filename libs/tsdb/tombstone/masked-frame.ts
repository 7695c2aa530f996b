import { type ChunkView, newChunkView } from '../chunk/chunk.ts';
import type { SeriesExemplars } from '../frame/series-exemplars.ts';
import { SeriesFrameReader, SeriesFrameWriter } from '../frame/series-frame.ts';
import { ChunkMasker } from './chunk-masker.ts';
import { type Hole, type SeriesMask, touchesHole } from './tombstones.ts';

/** A frame without what a mask hides; undefined if nothing is left. The frame itself if it hides nothing. @throws DecodeError */
export function maskFrame<T extends Uint8Array>(
  frame: T,
  mask: SeriesMask,
): T | Uint8Array<ArrayBuffer> | undefined {
  if (!isTouched(frame, mask)) return frame;
  const reader = new SeriesFrameReader(frame);
  const writer = new MaskedFrameWriter(reader);
  while (reader.next()) writer.add(mask.holesOf(reader.labels()));
  return writer.take();
}

function isTouched(frame: Uint8Array, mask: SeriesMask): boolean {
  const reader = new SeriesFrameReader(frame);
  const chunk = newChunkView();
  while (reader.next()) {
    const holes = mask.holesOf(reader.labels());
    if (holes.length === 0) continue;
    while (reader.nextChunk(chunk)) if (touchesHole(holes, chunk.minTimeMs, chunk.maxTimeMs)) return true;
  }
  return false;
}

class MaskedFrameWriter {
  readonly #reader: SeriesFrameReader;
  readonly #writer: SeriesFrameWriter;
  readonly #masker = new ChunkMasker();
  /** Numbers of label pairs, by name, a zero character, and value. */
  readonly #pairs = new Map<string, number>();

  constructor(reader: SeriesFrameReader) {
    this.#reader = reader;
    this.#writer = new SeriesFrameWriter(reader.partition, reader.fromOffset);
  }

  /** Adds the series that the reader is at, unless nothing is left of it. */
  add(holes: readonly Hole[]): void {
    const chunks: ChunkView[] = [];
    for (let left = this.#reader.chunkCount; left > 0; left--) {
      const chunk = newChunkView();
      this.#reader.nextChunk(chunk);
      chunks.push(...this.#masker.mask(chunk, holes));
    }
    if (chunks.length === 0) return;
    const { pairs } = this.#reader.labels();
    const numbers: number[] = [];
    for (let i = 0; i < pairs.length; i += 2) numbers.push(this.#pair(pairs[i], pairs[i + 1]));
    this.#writer.addSeries(this.#reader.id, 0, numbers.length);
    for (const number of numbers) this.#writer.addLabel(number);
    this.#writer.beginChunks(chunks.length);
    for (const chunk of chunks) this.#writer.addChunk(chunk);
  }

  take(): Uint8Array<ArrayBuffer> | undefined {
    return this.#writer.seriesCount === 0 ? undefined : this.#writer.take();
  }

  #pair(name: string, value: string): number {
    const key = `${name}\0${value}`;
    let number = this.#pairs.get(key);
    if (number === undefined) {
      number = this.#pairs.size;
      this.#pairs.set(key, number);
      this.#writer.definePair(number, name, value);
    }
    return number;
  }
}

/** Exemplars without what a mask hides, and only the series that are left with some. */
export function* maskExemplars(
  found: Iterable<SeriesExemplars>,
  mask: SeriesMask,
): Generator<SeriesExemplars, void, void> {
  for (const { labels, exemplars } of found) {
    const holes = mask.holesOf(labels);
    const seen = exemplars.filter(({ timestampMs: at }) => !touchesHole(holes, at, at));
    if (seen.length > 0) yield { labels, exemplars: seen };
  }
}
