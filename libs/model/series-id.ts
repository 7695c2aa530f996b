import { createHash } from 'node:crypto';
import type { Labels } from './labels.ts';

/** Words of a series id in a `Uint32Array` column: series i has words 4i … 4i+3. */
export const ID_WORDS = 4;
export const ID_BYTES = 16;

/**
 * Identity of a series everywhere: SHA-256 over the tenant and the sorted label pairs, each string
 * prefixed by its byte length as a 32-bit little-endian number, cut to 128 bits. Nobody can craft two
 * label sets with one id, so ids are compared where labels would be.
 */
export function seriesId(tenant: string, labels: Labels): Uint8Array {
  const hash = createHash('sha256');
  const length = Buffer.alloc(4);
  const add = (text: string) => {
    const bytes = Buffer.from(text, 'utf8');
    length.writeUInt32LE(bytes.length);
    hash.update(length).update(bytes);
  };
  add(tenant);
  for (const text of labels.pairs) add(text);
  return hash.digest().subarray(0, ID_BYTES);
}
