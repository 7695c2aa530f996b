import { createHash, timingSafeEqual } from 'node:crypto';

/** Header of HTTP, metadata of gRPC. */
export const SECRET_HEADER = 'x-xscaler-secret';

/** Tells whether a caller knows the services' shared secret, in a time that says nothing about it. */
export class SharedSecret {
  readonly #digest: Buffer | undefined;

  /** Without a secret everybody passes. */
  constructor(secret: string | undefined) {
    this.#digest = secret === undefined ? undefined : digestOf(secret);
  }

  admits(offered: string | undefined): boolean {
    if (this.#digest === undefined) return true;
    // Digests have one length, whatever was offered.
    return timingSafeEqual(digestOf(offered ?? ''), this.#digest) && offered !== undefined;
  }
}

function digestOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
