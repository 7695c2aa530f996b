import { putBits, trailingZeros, zigzag32 } from '@xscaler/encoding';

/*
 * The append codec, after Gorilla (Pelkonen et al., VLDB 2015), on 32-bit words, lowest bit first.
 * The time of the first sample, of the last and the count travel beside the chunk.
 *
 *   chunk  := value64 sample*
 *   sample := time value
 *   time   := 0                      difference of differences is 0 (the first difference counts from 0)
 *           | 1 0 zigzag7            … as zigzag in 7, 12, 17 or 32 bits
 *           | 1 1 0 zigzag12
 *           | 1 1 1 0 zigzag17
 *           | 1 1 1 1 zigzag32
 *   value  := 0                      the same 64 bits as before
 *           | 1 0 bits               XOR with the value before, in the window last given
 *           | 1 1 lead5 size6 bits   a new window: `lead` zeros above, size + 1 significant bits
 *
 * A window is replaced also if the old one would do but costs more than the 11 bits that tell the new one.
 */

/** Words of an open chunk's state: one cache line holds two, and an append touches nothing else but the bits. */
export const STATE_WORDS = 8;
export const STATE_TIME = 0;
export const STATE_DELTA = 1;
export const STATE_LOW = 2;
export const STATE_HIGH = 3;
/** Bits written (16), lead (5), trail (6), and five bits at STATE_USER_SHIFT for the owner. */
export const STATE_PACKED = 4;
export const STATE_COUNT = 5;
/** Two words for the owner. */
export const STATE_USER_0 = 6;
export const STATE_USER_1 = 7;

export const STATE_BITS_MASK = 0xffff;
export const STATE_USER_SHIFT = 27;
/** Lead 31 and trail 63: a window that no XOR fits. */
const NO_WINDOW = (31 << 16) | (63 << 21);
/** The longest chunk, so that its bits fit the state. */
export const XOR_MAX_WORDS = 2047;
export const XOR_FIRST_SAMPLE_BITS = 64;

/** Begins a chunk at `words[base]`. Times count from a moment of the owner's. */
export function xorStart(
  state: Int32Array,
  at: number,
  words: Int32Array,
  base: number,
  time: number,
  low: number,
  high: number,
): void {
  words[base] = low;
  words[base + 1] = high;
  state[at + STATE_TIME] = time;
  state[at + STATE_DELTA] = 0;
  state[at + STATE_LOW] = low;
  state[at + STATE_HIGH] = high;
  state[at + STATE_PACKED] = (state[at + STATE_PACKED] & (-1 << STATE_USER_SHIFT)) | NO_WINDOW | 64;
  state[at + STATE_COUNT] = 1;
}

/**
 * Appends a sample to the chunk at `words[base, base + sizeWords)`; `time` is above the last one.
 * False, with nothing changed, if it doesn't fit.
 */
export function xorAppend(
  state: Int32Array,
  at: number,
  words: Int32Array,
  base: number,
  sizeWords: number,
  time: number,
  low: number,
  high: number,
): boolean {
  const packed = state[at + STATE_PACKED];
  const delta = time - state[at + STATE_TIME];
  const code = zigzag32(delta - state[at + STATE_DELTA]) >>> 0;
  const timeBits = code === 0 ? 1 : code < 0x80 ? 9 : code < 0x1000 ? 15 : code < 0x20000 ? 21 : 36;
  const xorLow = low ^ state[at + STATE_LOW];
  const xorHigh = high ^ state[at + STATE_HIGH];

  let control = 0;
  let controlBits = 1;
  let size = 0;
  let lead = (packed >>> 16) & 31;
  let trail = (packed >>> 21) & 63;
  if ((xorLow | xorHigh) !== 0) {
    const ownLead = xorHigh !== 0 ? Math.min(31, Math.clz32(xorHigh)) : 31;
    const ownTrail = xorLow !== 0 ? trailingZeros(xorLow) : 32 + trailingZeros(xorHigh);
    const ownSize = 64 - ownLead - ownTrail;
    size = 64 - lead - trail;
    if (ownLead >= lead && ownTrail >= trail && size <= ownSize + 11) {
      control = 1;
      controlBits = 2;
    } else {
      lead = ownLead;
      trail = ownTrail;
      size = ownSize;
      control = 3 | (lead << 2) | ((size - 1) << 7);
      controlBits = 13;
    }
  }
  const bits = packed & STATE_BITS_MASK;
  if (bits + timeBits + controlBits + size > sizeWords << 5) return false;

  let position = (base << 5) + bits;
  if (timeBits === 1) {
    control <<= 1;
    controlBits++;
  } else position = putTime(words, position, code, timeBits);
  position = putBits(words, position, control, controlBits);
  if (size !== 0) position = putWindow(words, position, xorLow, xorHigh, trail, size);

  state[at + STATE_TIME] = time;
  state[at + STATE_DELTA] = delta;
  state[at + STATE_LOW] = low;
  state[at + STATE_HIGH] = high;
  state[at + STATE_PACKED] =
    (packed & (-1 << STATE_USER_SHIFT)) | (trail << 21) | (lead << 16) | (position - (base << 5));
  state[at + STATE_COUNT]++;
  return true;
}

function putTime(words: Int32Array, position: number, code: number, timeBits: number): number {
  if (timeBits === 9) return putBits(words, position, 1 | (code << 2), 9);
  if (timeBits === 15) return putBits(words, position, 3 | (code << 3), 15);
  if (timeBits === 21) return putBits(words, position, 7 | (code << 4), 21);
  return putBits(words, putBits(words, position, 15, 4), code | 0, 32);
}

function putWindow(
  words: Int32Array,
  position: number,
  xorLow: number,
  xorHigh: number,
  trail: number,
  size: number,
): number {
  if (trail >= 32) return putBits(words, position, xorHigh >>> (trail - 32), size);
  const low = trail === 0 ? xorLow : (xorLow >>> trail) | (xorHigh << (32 - trail));
  if (size <= 32) return putBits(words, position, low, size);
  return putBits(words, putBits(words, position, low, 32), xorHigh >>> trail, size - 32);
}

/** Writes chunks of this codec one after the other into a buffer of its own. */
export class XorWriter {
  readonly #words = new Int32Array(XOR_MAX_WORDS + 1);
  readonly #state = new Int32Array(STATE_WORDS);
  /** What was written; valid until the next `start`. */
  readonly bytes = new Uint8Array(this.#words.buffer);

  start(time: number, low: number, high: number): void {
    xorStart(this.#state, 0, this.#words, 0, time, low, high);
  }

  /** False if the chunk is full. */
  append(time: number, low: number, high: number): boolean {
    return xorAppend(this.#state, 0, this.#words, 0, XOR_MAX_WORDS, time, low, high);
  }

  get count(): number {
    return this.#state[STATE_COUNT];
  }

  get byteLength(): number {
    return ((this.#state[STATE_PACKED] & STATE_BITS_MASK) + 7) >>> 3;
  }
}
