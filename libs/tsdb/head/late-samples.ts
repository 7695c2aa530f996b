import type { ChunkView } from '../chunk/chunk.ts';
import { APPEND_CONFLICT, APPEND_DUPLICATE, APPEND_STORED, type AppendOutcome } from './append-outcome.ts';
import type { LateCodec } from './late-codec.ts';
import type { LateNote } from './late-notes.ts';
import { LATE_RUN_SAMPLES, LateRun } from './late-run.ts';

/** What a run takes beside its columns and chunks, roughly. */
const RUN_OVERHEAD_BYTES = 400;

/**
 * Samples of one series that came behind a younger one: runs by time that don't overlap, like the leaves of a
 * B-tree, so that a sample costs about the same however many there are. A backfill in either direction leaves
 * full runs behind, which are closed; one in no order leaves runs half full and open.
 */
export class LateSamples {
  readonly #codec: LateCodec;
  readonly #runs: LateRun[] = [];
  /** The run used last. */
  #current: LateRun;
  #length = 0;
  #byteSize = 0;

  constructor(codec: LateCodec) {
    this.#codec = codec;
    this.#current = this.#addRun(0, new LateRun());
  }

  get length(): number {
    return this.#length;
  }

  get byteSize(): number {
    return this.#byteSize;
  }

  /** The first value of a time stands. */
  insert(time: number, low: number, high: number, note: LateNote | undefined): AppendOutcome {
    let run = this.#runFor(time);
    this.#use(run);
    let at = run.position(time);
    if (run.hasTimeAt(at, time))
      return run.hasValueAt(at, low, high, note) ? APPEND_DUPLICATE : APPEND_CONFLICT;
    if (run.isFull) {
      run = this.#split(run, time);
      at = run.position(time);
    }
    const before = run.byteSize;
    run.insertAt(at, time, low, high, note);
    this.#byteSize += run.byteSize - before;
    this.#length++;
    return APPEND_STORED;
  }

  /** Chunks, by time, of which some have samples within the bounds; later inserts don't change them. */
  chunks(startTime: number, endTime: number): ChunkView[] {
    const found: ChunkView[] = [];
    for (const run of this.#runs) {
      if (run.lastTime < startTime || run.firstTime > endTime) continue;
      const before = run.byteSize;
      found.push(...run.chunks(this.#codec));
      this.#byteSize += run.byteSize - before;
    }
    return found;
  }

  /** The run that has `time` or is to have it. Full ones are left unchanged if `time` is beside them. */
  #runFor(time: number): LateRun {
    const at = this.#lastFrom(time);
    const run = this.#runs[at];
    if (!run.isFull || (time >= run.firstTime && time <= run.lastTime)) return run;
    if (time < run.firstTime) return this.#addRun(at, new LateRun());
    const next = this.#runs[at + 1];
    if (next !== undefined && !next.isFull) return next;
    return this.#addRun(at + 1, new LateRun());
  }

  /** Number of the last run that begins at or before `time`, or 0. */
  #lastFrom(time: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#runs[middle].firstTime <= time) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Opens a run and closes the one used before it, if that is full. */
  #use(run: LateRun): void {
    const left = this.#current;
    if (left !== run) {
      this.#current = run;
      if (left.isFull) {
        const before = left.byteSize;
        left.close(this.#codec);
        this.#byteSize += left.byteSize - before;
      }
    }
    const before = run.byteSize;
    run.open(this.#codec);
    this.#byteSize += run.byteSize - before;
  }

  /** Halves a full run; the half that `time` belongs to, which is used next. */
  #split(run: LateRun, time: number): LateRun {
    const before = run.byteSize;
    const upper = run.splitAt(LATE_RUN_SAMPLES >>> 1);
    this.#byteSize += run.byteSize - before;
    this.#addRun(this.#runs.indexOf(run) + 1, upper);
    this.#current = time < upper.firstTime ? run : upper;
    return this.#current;
  }

  #addRun(at: number, run: LateRun): LateRun {
    this.#runs.splice(at, 0, run);
    this.#byteSize += run.byteSize + RUN_OVERHEAD_BYTES;
    return run;
  }
}
