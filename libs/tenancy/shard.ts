/** The partitions that a tenant's series are spread over, ascending. The same object until it changes. */
export interface Shard {
  readonly partitions: readonly number[];
}

/** Series that one partition more is taken for, if a tenant's series are limited. */
export const SERIES_PER_PARTITION = 100_000;

/** Partitions for a tenant with a series limit; 0, all of them, if there is none. */
export function shardSizeFor(seriesLimit: number): number {
  return Math.ceil(seriesLimit / SERIES_PER_PARTITION);
}

/**
 * The `size` partitions of `partitionCount` that a tenant gets by rendezvous hashing: those with the highest scores for it,
 * ascending. All of them if `size` is 0 or above. A further partition takes the place of one at most, a larger size
 * keeps what a smaller one had.
 */
export function shardOf(tenant: string, size: number, partitionCount: number): number[] {
  const all = Array.from({ length: partitionCount }, (_, partition) => partition);
  if (size === 0 || size >= partitionCount) return all;
  // Apart from the scores of series: else a shard's series would prefer its first partitions.
  const key = mix(hashText(FNV_OFFSET, tenant) ^ TENANT_SALT);
  return all
    .sort((a, b) => score(key, b) - score(key, a))
    .slice(0, size)
    .sort((a, b) => a - b);
}

/**
 * The partition of a key (32 bits) by rendezvous hashing (Thaler and Ravishankar, 1996): of those given the one with the
 * highest score for it. The same in every process; another partition takes over only the keys it wins.
 */
export function partitionOf(key: number, { partitions }: Shard): number {
  let best = 0;
  let bestScore = -1;
  for (let i = 0; i < partitions.length; i++) {
    const own = score(key, partitions[i]);
    if (own > bestScore) {
      bestScore = own;
      best = partitions[i];
    }
  }
  return best;
}

function score(key: number, partition: number): number {
  return mix(key ^ mix(partition + 1));
}

/** An arbitrary word. */
const TENANT_SALT = 0x74656e61;

/** FNV-1a (Fowler, Noll and Vo), over UTF-16 code units. */
export const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** 32 bits, signed, the same in every process: no defence against who aims names at one value. */
export function hashText(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash | 0;
}

/** The finalizer of MurmurHash3 (Appleby): a bijection on 32 bits. */
function mix(word: number): number {
  word ^= word >>> 16;
  word = Math.imul(word, 0x85ebca6b);
  word ^= word >>> 13;
  word = Math.imul(word, 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
