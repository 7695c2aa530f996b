import type { SeriesEntry } from './block-series-codec.ts';
import type { SliceReader } from './block-slices.ts';
import { type ChunkPage, unpackPage } from './chunk-pages.ts';

/** The chunks of a series that are wanted: from, to (exclusive). */
export interface WantedChunks {
  readonly entry: SeriesEntry;
  readonly from: number;
  readonly to: number;
}

/** Those of a series' chunks that may have samples within the bounds. */
export function wantedChunks(entry: SeriesEntry, startMs: number, endMs: number): WantedChunks {
  const { chunks } = entry;
  let from = 0;
  let to = chunks.length;
  while (from < to && chunks[from].maxTimeMs < startMs) from++;
  while (to > from && chunks[to - 1].minTimeMs > endMs) to--;
  return { entry, from, to };
}

/** Splits what is wanted, in the order of the block, into pieces whose pages have about `maxBytes` expanded. */
export function* inBatches(
  wanted: readonly WantedChunks[],
  maxBytes: number,
): Generator<readonly WantedChunks[], void, void> {
  let first = 0;
  let bytes = 0;
  let last: ChunkPage | undefined;
  for (const [at, { entry, from, to }] of wanted.entries()) {
    for (let i = from; i < to; i++) {
      const { page } = entry.chunks[i];
      if (page === last) continue;
      last = page;
      bytes += page.expandedLength === 0 ? page.slice.length : page.expandedLength;
    }
    if (bytes < maxBytes) continue;
    yield wanted.slice(first, at + 1);
    first = at + 1;
    bytes = 0;
    last = undefined;
  }
  if (first < wanted.length) yield wanted.slice(first);
}

/** The pages that have wanted chunks, expanded. Rejects as `SliceReader.slices` does. */
export async function readPages(
  slices: SliceReader,
  series: readonly WantedChunks[],
  signal: AbortSignal,
): Promise<ReadonlyMap<ChunkPage, Uint8Array>> {
  const wanted = new Set<ChunkPage>();
  for (const { entry, from, to } of series) for (let i = from; i < to; i++) wanted.add(entry.chunks[i].page);
  const pages = [...wanted];
  const asked = pages.map(({ slice }) => slice);
  const read = await slices.slices('chunks', asked, signal);
  return new Map(
    pages.map((page, i) => [
      page,
      slices.decoded('chunks', page.slice.number, () => unpackPage(read[i], page)),
    ]),
  );
}
