/** A structure whose changes can be undone. */
export interface Undoable {
  /** Undoes a change noted with these four 32-bit integers. It may have been undone already. */
  undo(a: number, b: number, c: number, d: number): void;
}

const FIRST_STEPS = 64;
/** A log that has grown beyond this is replaced by a small one. */
const KEPT_STEPS = 16_384;

const NO_TARGET: Undoable = { undo: () => {} };

/**
 * The changes made since `open`, in every table and record, so that they can be undone together: a data point is stored with all of
 * its series or with none. While the log is closed no change is noted. Reuses its memory from one span to the next.
 */
export class UndoLog {
  #targets: Undoable[] = newTargets();
  #words = new Int32Array(4 * FIRST_STEPS);
  #count = 0;
  readonly #whenKept: (() => void)[] = [];
  #isOpen = false;
  #span = 0;

  /** Whether changes are being noted. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Number of the latest span, from 1. */
  get span(): number {
    return this.#span;
  }

  /** Begins a span. The changes of the one before are kept. */
  open(): void {
    this.keep();
    this.#isOpen = true;
    this.#span++;
  }

  /** Notes a change that `target.undo(a, b, c, d)` undoes. */
  note(target: Undoable, a: number, b = 0, c = 0, d = 0): void {
    if (!this.#isOpen) return;
    const at = 4 * this.#count;
    if (at === this.#words.length) this.#grow();
    const words = this.#words;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = c;
    words[at + 3] = d;
    this.#targets[this.#count++] = target;
  }

  /** Calls `action` as soon as the changes are kept: now if the log is closed, never if they are undone. */
  whenKept(action: () => void): void {
    if (this.#isOpen) this.#whenKept.push(action);
    else action();
  }

  /** Ends the span and keeps its changes. */
  keep(): void {
    this.#isOpen = false;
    for (const action of this.#whenKept) action();
    this.#clear();
  }

  /** Ends the span and undoes its changes, the latest first. */
  undo(): void {
    this.#isOpen = false;
    const words = this.#words;
    for (let i = this.#count - 1; i >= 0; i--) {
      const at = 4 * i;
      this.#targets[i].undo(words[at], words[at + 1], words[at + 2], words[at + 3]);
    }
    this.#clear();
  }

  #clear(): void {
    if (this.#whenKept.length > 0) this.#whenKept.length = 0;
    if (this.#count > KEPT_STEPS) {
      this.#targets = newTargets();
      this.#words = new Int32Array(4 * FIRST_STEPS);
    } else {
      // Tables of tenants that are forgotten must not stay in memory.
      for (let i = 0; i < this.#count; i++) this.#targets[i] = NO_TARGET;
    }
    this.#count = 0;
  }

  #grow(): void {
    const words = new Int32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
  }
}

function newTargets(): Undoable[] {
  return Array.from({ length: FIRST_STEPS }, () => NO_TARGET);
}
