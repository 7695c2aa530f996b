/** A clock that isn't this process' own: a server's that the whole cluster shares. */
export interface ClockWitness {
  /** As messages and metrics name it: `postgresql`, `kafka`, `redis`. */
  readonly name: string;
  /** Its wall clock, ms. Rejects if it doesn't answer. */
  read(): Promise<number>;
}

/** The two clocks of this machine, ms. */
export interface OwnClock {
  /** The time of day, which may be wrong, and may jump. */
  wall(): number;
  /** Only ever goes on, at the same pace; its zero means nothing. */
  monotonic(): number;
}

export const MACHINE_CLOCK: OwnClock = {
  wall: Date.now,
  // Unlike `performance.now()` it has the same zero in all threads of a process.
  monotonic: () => {
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1_000 + nanoseconds / 1e6;
  },
};

/**
 * A clock as the distance from this machine's monotonic one: it shows `baseMs + monotonic()`. So clocks that were read at
 * different times can be compared, and one that was read before is still known.
 */
export interface ClockReading {
  readonly name: string;
  readonly baseMs: number;
  /** How far `baseMs` may be off: half of the time that the question took. */
  readonly uncertaintyMs: number;
}

/** What most clocks agree on, and which witnesses do. */
export interface ReferenceTime extends ClockReading {
  readonly witnesses: readonly string[];
}

/** Two whole milliseconds are compared: each may be almost one more. */
const ROUNDING_MS = 2;

/** @throws what the witness rejects with */
export async function readWitness(witness: ClockWitness, own: OwnClock): Promise<ClockReading> {
  const askedMs = own.monotonic();
  const timeMs = await witness.read();
  const halfMs = (own.monotonic() - askedMs) / 2;
  // It looked at its clock some time in between.
  return {
    name: witness.name,
    baseMs: timeMs - (askedMs + halfMs),
    uncertaintyMs: halfMs + ROUNDING_MS,
  };
}

export function readOwn(own: OwnClock): ClockReading {
  return { name: 'own', baseMs: own.wall() - own.monotonic(), uncertaintyMs: ROUNDING_MS };
}

/**
 * The time that most of the clocks agree on: the middle one of three. Where fewer than three witnesses were read this machine's
 * own clock is asked too, and after that what was known before. Of one witness alone and our own clock neither has more to be
 * said for it: then the witness is believed, since who waits does no harm.
 * Undefined if there is nothing to go by.
 */
export function referenceTime(
  witnesses: readonly ClockReading[],
  own: ClockReading,
  before: ReferenceTime | undefined,
  maxSkewMs: number,
): ReferenceTime | undefined {
  if (witnesses.length === 0) return before;
  const voters = [...witnesses];
  if (voters.length < 3) voters.push(own);
  if (voters.length < 3 && before !== undefined) voters.push(before);
  const chosen = voters.length < 3 ? witnesses[0] : middleOf(voters);
  const agreeing = witnesses.filter(({ baseMs }) => Math.abs(baseMs - chosen.baseMs) <= maxSkewMs);
  const names = agreeing.map(({ name }) => name);
  return { ...chosen, witnesses: names.length > 0 ? names : (before?.witnesses ?? []) };
}

/** Of an odd number. Whichever it is, it lies between clocks that are right, as long as most are. */
function middleOf(voters: readonly ClockReading[]): ClockReading {
  const inOrder = [...voters].sort((a, b) => a.baseMs - b.baseMs);
  const middle = inOrder[(inOrder.length - 1) / 2];
  return { ...middle, uncertaintyMs: Math.max(...voters.map(({ uncertaintyMs }) => uncertaintyMs)) };
}
