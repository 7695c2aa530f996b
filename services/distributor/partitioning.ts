import { type Labels, seriesId } from '@xscaler/model';

/** The label by which the buckets of a classic histogram differ. */
const BUCKET_LABEL = 'le';

/**
 * A 32-bit key that all buckets of a classic histogram share: the first word of the id that the series
 * would have without `le`. `ownId` is the series' id as it is.
 */
export function groupKey(tenant: string, labels: Labels, ownId: Uint8Array): number {
  const id = labels.get(BUCKET_LABEL) === '' ? ownId : seriesId(tenant, labels.without(BUCKET_LABEL));
  return (id[0] | (id[1] << 8) | (id[2] << 16) | (id[3] << 24)) >>> 0;
}

/** FNV-1a (Fowler, Noll and Vo), over UTF-16 code units. */
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** Where `metadataKey` begins for a tenant's metrics. */
export function metadataSeed(tenant: string): number {
  return hashText(FNV_OFFSET, tenant);
}

/**
 * A 32-bit key of a metric's metadata, by its name alone: signed, the same in every process. Cheap, since
 * who aims names at one partition moves but their own metadata, which no query looks for in one place.
 */
export function metadataKey(seed: number, metric: string): number {
  return hashText(seed, metric);
}

function hashText(start: number, text: string): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash | 0;
}

/**
 * The partition of a key by rendezvous hashing (Thaler and Ravishankar, 1996): the partition with the
 * highest score for it. The same in every process; another partition takes over only the keys it wins.
 */
export function partitionOf(key: number, partitionCount: number): number {
  let best = 0;
  let bestScore = -1;
  for (let partition = 0; partition < partitionCount; partition++) {
    const score = mix(key ^ mix(partition + 1));
    if (score > bestScore) {
      bestScore = score;
      best = partition;
    }
  }
  return best;
}

/** The finalizer of MurmurHash3 (Appleby): a bijection on 32 bits. */
function mix(word: number): number {
  word ^= word >>> 16;
  word = Math.imul(word, 0x85ebca6b);
  word ^= word >>> 13;
  word = Math.imul(word, 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}
