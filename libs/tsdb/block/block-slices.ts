import { crc32 } from 'node:zlib';
import { DecodeError } from '@xscaler/encoding';
import type { BlockPartKind, Slice } from './block-format.ts';
import { isPartIntact } from './block-format.ts';
import type { BlockIndexCache } from './block-index-cache.ts';
import { DamagedBlockError } from './damaged-block-error.ts';

/** Where the parts of one block are read from. */
export interface BlockSource {
  /** A slice of a part; all of it without `offset`. */
  read(kind: BlockPartKind, number: number, offset?: number, length?: number): Promise<Uint8Array>;
}

/** Slices are read together if no more than this lies between them: pages of chunks are larger than those of an index, */
const CHUNKS_GAP_BYTES = 8 * 1024;
const INDEX_GAP_BYTES = 2 * 1024;
/** as long as the read stays within this. */
const COALESCED_MAX_BYTES = 1024 * 1024;
/** Reads in flight at once. */
const CONCURRENT_READS = 4;

/** A read that covers some of the slices asked for. */
interface CoalescedRead {
  readonly number: number;
  readonly offset: number;
  end: number;
  /** Places of its slices in what was asked for. */
  readonly places: number[];
}

/** Reads slices of a block, coalesced, and checks each against its checksum; those of its index it keeps in a cache. */
export class SliceReader {
  readonly #blockId: string;
  readonly #source: BlockSource;
  readonly #cache: BlockIndexCache;

  constructor(blockId: string, source: BlockSource, cache: BlockIndexCache) {
    this.#blockId = blockId;
    this.#source = source;
    this.#cache = cache;
  }

  /** A whole part. */
  async part(kind: BlockPartKind, number: number): Promise<Uint8Array> {
    const bytes = await this.#source.read(kind, number);
    if (!isPartIntact(bytes)) throw this.damaged(kind, number, 'its checksum is wrong');
    return bytes;
  }

  /** The bytes of each slice, in the order asked for. Rejects with `DamagedBlockError`. */
  async slices(kind: BlockPartKind, slices: readonly Slice[], signal: AbortSignal): Promise<Uint8Array[]> {
    const found = new Array<Uint8Array>(slices.length);
    const reads = coalesce(slices, kind === 'chunks' ? CHUNKS_GAP_BYTES : INDEX_GAP_BYTES);
    const next = reads.values();
    const work = async () => {
      for (const read of next) {
        signal.throwIfAborted();
        const length = read.end - read.offset;
        const bytes = await this.#source.read(kind, read.number, read.offset, length);
        if (bytes.length !== length) throw this.damaged(kind, read.number, 'it is too short');
        for (const place of read.places)
          found[place] = this.#checked(kind, slices[place], bytes, read.offset);
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENT_READS, reads.length) }, work));
    return found;
  }

  /** As `slices`, kept for the next time. */
  async cachedSlices(
    kind: BlockPartKind,
    slices: readonly Slice[],
    signal: AbortSignal,
  ): Promise<Uint8Array[]> {
    const found = new Array<Uint8Array>(slices.length);
    const missing: number[] = [];
    for (const [i, slice] of slices.entries()) {
      const kept = this.#cache.get(this.#keyOf(kind, slice));
      if (kept instanceof Uint8Array) found[i] = kept;
      else missing.push(i);
    }
    if (missing.length === 0) return found;
    const read = await this.slices(
      kind,
      missing.map((i) => slices[i]),
      signal,
    );
    for (const [j, i] of missing.entries()) {
      found[i] = read[j].slice(); // a view would keep all that was read with it
      this.#cache.set(this.#keyOf(kind, slices[i]), found[i], found[i].length);
    }
    return found;
  }

  damaged(kind: BlockPartKind, number: number, fault: string, options?: ErrorOptions): DamagedBlockError {
    return new DamagedBlockError(this.#blockId, kind, number, fault, options);
  }

  /** What `decode` makes of a part's bytes; bytes that it refuses are damage. */
  decoded<T>(kind: BlockPartKind, number: number, decode: () => T): T {
    try {
      return decode();
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      throw this.damaged(kind, number, error.message, { cause: error });
    }
  }

  #keyOf(kind: BlockPartKind, { number, offset }: Slice): string {
    return `${this.#blockId}/${kind}/${number}/${offset}`;
  }

  #checked(kind: BlockPartKind, slice: Slice, bytes: Uint8Array, offset: number): Uint8Array {
    const from = slice.offset - offset;
    const view = bytes.subarray(from, from + slice.length);
    if (crc32(view) !== slice.checksum)
      throw this.damaged(
        kind,
        slice.number,
        `the checksum of ${slice.length} bytes at ${slice.offset} is wrong`,
      );
    return view;
  }
}

function coalesce(slices: readonly Slice[], gapBytes: number): CoalescedRead[] {
  const order = [...slices.keys()].sort(
    (a, b) => slices[a].number - slices[b].number || slices[a].offset - slices[b].offset,
  );
  const reads: CoalescedRead[] = [];
  let last: CoalescedRead | undefined;
  for (const place of order) {
    const { number, offset, length } = slices[place];
    const end = offset + length;
    const joins =
      last !== undefined &&
      last.number === number &&
      offset - last.end <= gapBytes &&
      end - last.offset <= COALESCED_MAX_BYTES;
    if (last !== undefined && joins) {
      last.end = Math.max(last.end, end);
      last.places.push(place);
    } else {
      last = { number, offset, end, places: [place] };
      reads.push(last);
    }
  }
  return reads;
}
