import { createHash } from 'node:crypto';

const MAX_PART_LENGTH = 512;

/**
 * Texts of any content as one key: no two lists of the same length have the same.
 *
 * Each is percent-encoded, so that none holds the `:` between them; a long one is its SHA-256 behind `%sha256-`, which no
 * encoded text begins with.
 */
export function joinKey(parts: readonly string[]): string {
  return parts.map(encodePart).join(':');
}

function encodePart(part: string): string {
  // A lone surrogate has no encoding; none of our texts has one, which all come from UTF-8.
  const encoded = encodeURIComponent(part.toWellFormed());
  if (encoded.length <= MAX_PART_LENGTH) return encoded;
  return `%sha256-${createHash('sha256').update(part).digest('hex')}`;
}
