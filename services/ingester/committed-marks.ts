interface Mark {
  timeMs: number;
  readonly endOffset: number;
}

/** Marks kept at most; past it every other one goes, which costs nothing but how near an instant is named. */
const MAX_MARKS = 2_048;

/**
 * Where one partition's log ended at which instant. Once everything below such an end is in blocks, so is every
 * record that was acknowledged before its instant.
 */
export class CommittedMarks {
  #marks: Mark[] = [];

  /** Instants in their order. */
  add(timeMs: number, endOffset: number): void {
    const last = this.#marks.at(-1);
    // Nothing came in between: what held for the earlier instant holds for the later one.
    if (last !== undefined && last.endOffset >= endOffset) {
      last.timeMs = timeMs;
      return;
    }
    if (this.#marks.length >= MAX_MARKS) this.#marks = this.#marks.filter((_, index) => index % 2 === 1);
    this.#marks.push({ timeMs, endOffset });
  }

  /** Forgets marks of instants that have yet to come: they were made by a clock that has been set back since. */
  forgetAfter(nowMs: number): void {
    this.#marks = this.#marks.filter(({ timeMs }) => timeMs <= nowMs);
  }

  /** The latest mark that a resume offset has reached; earlier ones are forgotten. */
  reached(resumeOffset: number): Readonly<Mark> | undefined {
    const above = this.#marks.findIndex(({ endOffset }) => endOffset > resumeOffset);
    const count = above < 0 ? this.#marks.length : above;
    if (count === 0) return undefined;
    this.#marks.splice(0, count - 1);
    return this.#marks[0];
  }
}
