import { grownCapacity, Uint32Vector } from '../memory/uint32-vector.ts';

/** Words of a change: the change before it of its slot, time, start timestamp in two halves. */
const WORDS = 4;
const BEFORE = 0;
const TIME = 1;
const LOW = 2;
const HIGH = 3;
const TWO_32 = 2 ** 32;

/** A start timestamp and the first time that has it. */
export interface StartChange {
  readonly time: number;
  readonly startMs: number;
}

/**
 * The start timestamps of a head's in-order samples. They are constant for long, so only changes are kept: 16 bytes
 * each, 4 bytes for each slot, and nothing for a head none of whose samples has one. A link is a change's number + 1.
 */
export class HeadStartTimes {
  readonly #changes = new Uint32Vector(16 * WORDS);
  #links = new Int32Array(64);

  get byteSize(): number {
    return this.#changes.byteSize + this.#links.byteLength;
  }

  /** Tells the start timestamp of a slot's youngest sample; 0 is none. */
  set(slot: number, time: number, startMs: number): void {
    const link = slot < this.#links.length ? this.#links[slot] : 0;
    if (startMs === (link === 0 ? 0 : this.#startMs(link))) return;
    if (slot >= this.#links.length) this.#growLinks(slot);
    const at = this.#changes.extend(WORDS);
    const { words } = this.#changes;
    words[at + BEFORE] = link;
    words[at + TIME] = time;
    words[at + LOW] = startMs; // the lowest 32 bits
    words[at + HIGH] = Math.floor(startMs / TWO_32);
    this.#links[slot] = at / WORDS + 1;
  }

  has(slot: number): boolean {
    return slot < this.#links.length && this.#links[slot] !== 0;
  }

  /** Changes of a slot that samples from `fromTime` to `toTime` are under, by time. */
  between(slot: number, fromTime: number, toTime: number): StartChange[] {
    const found: StartChange[] = [];
    const { words } = this.#changes;
    for (let link = this.has(slot) ? this.#links[slot] : 0; link !== 0; ) {
      const at = (link - 1) * WORDS;
      const time = words[at + TIME];
      if (time <= toTime) found.push({ time, startMs: this.#startMs(link) });
      if (time <= fromTime) break;
      link = words[at + BEFORE];
    }
    return found.reverse();
  }

  #startMs(link: number): number {
    const at = (link - 1) * WORDS;
    return (this.#changes.words[at + HIGH] | 0) * TWO_32 + this.#changes.words[at + LOW];
  }

  #growLinks(slot: number): void {
    const links = new Int32Array(grownCapacity(this.#links.length, slot + 1));
    links.set(this.#links);
    this.#links = links;
  }
}
