import { createHash, timingSafeEqual } from 'node:crypto';

/** Header of HTTP, metadata of gRPC. */
export const SECRET_HEADER = 'x-xscaler-secret';

/** Checks in constant time whether a caller knows the services' shared secret. */
export class SharedSecret {
  readonly #digest: Buffer | undefined;

  /** Without a secret every caller is accepted. */
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
