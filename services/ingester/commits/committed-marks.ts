interface Mark {
  timeMs: number;
  readonly endOffset: number;
}

/** Maximum number of marks; above it every other one is dropped, which only makes the instants coarser. */
const MAX_MARKS = 2_048;

/**
 * Records where a partition's log ended at each of several instants. Once everything below such an end is in blocks, so is
 * every record that was acknowledged before its instant.
 */
export class CommittedMarks {
  #marks: Mark[] = [];

  /** In ascending order. */
  add(timeMs: number, endOffset: number): void {
    const last = this.#marks.at(-1);
    // No record arrived in between: the later instant has the same end.
    if (last !== undefined && last.endOffset >= endOffset) {
      last.timeMs = timeMs;
      return;
    }
    if (this.#marks.length >= MAX_MARKS) this.#marks = this.#marks.filter((_, index) => index % 2 === 1);
    this.#marks.push({ timeMs, endOffset });
  }

  /** Forgets marks in the future: the clock that made them has since been set back. */
  forgetAfter(nowMs: number): void {
    this.#marks = this.#marks.filter(({ timeMs }) => timeMs <= nowMs);
  }

  /** Returns the latest mark that a resume offset has reached, and forgets earlier ones. */
  reached(resumeOffset: number): Readonly<Mark> | undefined {
    const above = this.#marks.findIndex(({ endOffset }) => endOffset > resumeOffset);
    const count = above < 0 ? this.#marks.length : above;
    if (count === 0) return undefined;
    this.#marks.splice(0, count - 1);
    return this.#marks[0];
  }
}
