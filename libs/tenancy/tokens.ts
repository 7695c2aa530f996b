import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/*
 * A token is `xag_` and 32 characters of `[A-Za-z0-9]`: 190 bits, so that its hash needs no salt and no stretching.
 */
const PREFIX = 'xag_';
const RANDOM_CHARACTERS = 32;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const FORMAT = /^xag_[A-Za-z0-9]{32}$/;

/** Bytes from here on are thrown away: 248 is the largest multiple of 62 in a byte, and a remainder would be biased. */
const BIASED_FROM = 256 - (256 % ALPHABET.length);

/** What an operator may give in place of a generated token: visible ASCII, as it has to fit a header. */
const ACCEPTED = /^[\x21-\x7e]{1,256}$/;

/** `size` random bytes from a cryptographic generator. */
export type RandomBytes = (size: number) => Uint8Array;

/** A new token: `xag_` and 32 random characters of `[A-Za-z0-9]`. */
export function generateToken(random: RandomBytes = randomBytes): string {
  let text = PREFIX;
  while (text.length < PREFIX.length + RANDOM_CHARACTERS) {
    for (const byte of random(RANDOM_CHARACTERS)) {
      if (byte >= BIASED_FROM || text.length === PREFIX.length + RANDOM_CHARACTERS) continue;
      text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}

/** Whether `text` has the form of a generated token. */
export function isGeneratedToken(text: string): boolean {
  return FORMAT.test(text);
}

/** Whether `text` could be a token at all; one that couldn't needs no look-up. */
export function isTokenText(text: string): boolean {
  return ACCEPTED.test(text);
}

/**
 * The token in the value of an `Authorization` header, or undefined if it isn't `Bearer <token>`.
 * The scheme's name is case-insensitive (RFC 9110, 11.1).
 */
export function parseBearer(header: string | undefined): string | undefined {
  const token = /^bearer +(\S+)$/i.exec(header ?? '')?.[1];
  return token !== undefined && isTokenText(token) ? token : undefined;
}

/** SHA-256 of the token's text, hex: all that is ever stored of it. */
export function hashToken(text: string): string {
  return hash('sha256', text, 'hex');
}

/** Compares two hashes of `hashToken` in a time that doesn't depend on where they differ. */
export function sameHash(a: string, b: string): boolean {
  const left = Buffer.from(a, 'latin1');
  const right = Buffer.from(b, 'latin1');
  return left.length === right.length && timingSafeEqual(left, right);
}
