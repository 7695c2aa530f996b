/** Cuts, flips, overwrites, repeats and removes bytes. */
export function mutate(bytes: Uint8Array, random: (below: number) => number): Buffer {
  let damaged = Buffer.from(bytes);
  for (let changes = 1 + random(4); changes > 0 && damaged.length > 0; changes--) {
    const at = random(damaged.length);
    const kind = random(5);
    if (kind === 0) damaged[at] ^= 1 << random(8);
    else if (kind === 1) damaged[at] = random(256);
    else if (kind === 2) damaged = damaged.subarray(0, at);
    else if (kind === 3)
      damaged = Buffer.concat([damaged.subarray(0, at), damaged.subarray(at + 1 + random(8))]);
    else damaged = Buffer.concat([damaged.subarray(0, at + random(30)), damaged.subarray(at)]);
  }
  return damaged;
}

/** A linear congruential generator: the same numbers below a bound in every run. */
export function seededRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
