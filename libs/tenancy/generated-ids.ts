import { randomBytes } from 'node:crypto';
import type { RandomBytes } from './tokens.ts';

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';
const ID_CHARACTERS = 8;
const MAX_SLUG_LENGTH = 32;

/** A tenant's id: `xs_<slug of its name>_<8 base32>`. */
export function generateTenantId(name: string, random: RandomBytes = randomBytes): string {
  return `xs_${slugOf(name)}_${randomBase32(random)}`;
}

/** An organisation's id: `xs_org_<32 hex>`. */
export function generateOrgId(random: RandomBytes = randomBytes): string {
  return `xs_org_${Buffer.from(random(16)).toString('hex')}`;
}

/** A token's id, which names it in lists and in the audit log. */
export function generateTokenId(random: RandomBytes = randomBytes): string {
  return `tok_${randomBase32(random)}${randomBase32(random)}`;
}

/** Lower-case letters, digits and single dashes; accents are removed. */
function slugOf(name: string): string {
  const slug = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_SLUG_LENGTH)
    .replace(/^-|-$/g, '');
  return slug === '' ? 'tenant' : slug;
}

/** A byte maps to each 5-bit value equally often, so the result is unbiased. */
function randomBase32(random: RandomBytes): string {
  let text = '';
  for (const byte of random(ID_CHARACTERS)) text += BASE32[byte & 31];
  return text;
}
