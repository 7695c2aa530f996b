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
