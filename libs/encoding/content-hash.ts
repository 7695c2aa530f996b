/**
 * A keyed 128-bit hash of bytes, for tables whose keys come from strangers.
 *
 * The state and its rounds are HalfSipHash-1-3's (Aumasson and Bernstein, "SipHash: a fast short-input
 * PRF", 2012; the 32-bit variant): all four state words are keyed and, after the last rounds, all four
 * are the hash, whereas HalfSipHash folds them into fewer. Without the seed nobody can aim at a collision; a
 * multiplicative hash, which would be a third cheaper, has collisions that hold under every seed.
 *
 * Not the same in another process unless the seed is: never store it.
 */
export class ContentHash {
  h0 = 0;
  h1 = 0;
  h2 = 0;
  h3 = 0;
  readonly #k0: number;
  readonly #k1: number;
  readonly #k2: number;
  readonly #k3: number;

  /** @param seed four random 32-bit words */
  constructor(seed: Uint32Array) {
    if (seed.length !== 4) throw new RangeError(`a seed of ${seed.length} words`);
    this.#k0 = seed[0];
    this.#k1 = seed[1];
    this.#k2 = seed[2];
    this.#k3 = seed[3];
  }

  /** Hashes the view's bytes `[start, end)` into `h0 … h3`, signed 32-bit words. */
  hash(view: DataView, start: number, end: number): void {
    let v0 = this.#k0 | 0;
    let v1 = this.#k1 | 0;
    let v2 = this.#k2 ^ 0x6c796765;
    let v3 = this.#k3 ^ 0x74656462;
    const last = end - 4;
    let at = start;
    for (; at <= last; at += 4) {
      const m = view.getInt32(at, true);
      v3 ^= m;
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      v0 ^= m;
    }
    // The tail's bytes, and the length's lowest in the top byte, as in SipHash.
    let m = (end - start) << 24;
    for (let shift = 0; at < end; at++, shift += 8) m |= view.getUint8(at) << shift;
    v3 ^= m;
    for (let round = 0; round < 4; round++) {
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
      if (round === 0) {
        v0 ^= m;
        v2 ^= 0xff;
      }
    }
    this.h0 = v0;
    this.h1 = v1;
    this.h2 = v2;
    this.h3 = v3;
  }
}
