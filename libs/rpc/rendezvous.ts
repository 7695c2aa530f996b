/** FNV-1a over UTF-16 code units, 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/**
 * The weight of a node for a key (rendezvous hashing, Thaler and Ravishankar 1998): a key's nodes are those of greatest
 * weight, and a node that comes or goes moves only the keys that it wins or had. Of two hashes, mixed by
 * MurmurHash3's finalizer.
 */
export function rendezvousWeight(keyHash: number, nodeHash: number): number {
  let hash = keyHash ^ Math.imul(nodeHash, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
