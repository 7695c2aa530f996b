import { Heartbeat } from '../heartbeat.ts';
import {
  type ClockReading,
  type ClockWitness,
  type OwnClock,
  readOwn,
  readWitness,
  referenceTime,
} from './reference-time.ts';
import { spanText, TrustedClock } from './trusted-clock.ts';

export interface ClockWatchOptions {
  /** In the order in which they are believed if there is nothing else to go by. */
  readonly witnesses: readonly ClockWitness[];
  readonly own: OwnClock;
  /** `cluster.max_clock_skew`. */
  readonly maxSkewMs: number;
  readonly logger: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
  /** Told of every comparison. */
  readonly onCompared?: (watch: ClockWatch) => void;
  readonly pollMs?: number;
}

const POLL_MS = 5_000;
const READ_TIMEOUT_MS = 3_000;
/** A reading that may be off by more than this part of what is allowed says too little. */
const USEFUL_PART = 1 / 4;

/**
 * Compares the local clock with those of the servers that the cluster shares, at the start and every few seconds. The time
 * is what most of them say, see `referenceTime`; a process whose clock isn't that must write nothing that goes by it
 * (`clock.fault()`). A witness that is the odd one out is warned of, and work goes on.
 *
 * Where no witness answers what was known before holds: the monotonic clock tells how much time has passed since.
 */
export class ClockWatch {
  readonly clock: TrustedClock;
  readonly #options: ClockWatchOptions;
  readonly #heartbeat: Heartbeat;
  #readings: readonly ClockReading[] = [];
  #wasWrong = false;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
    this.clock = new TrustedClock(options.own, options.maxSkewMs);
    this.#heartbeat = new Heartbeat(() => this.compare(), options.pollMs ?? POLL_MS);
  }

  /** Resolves after the first comparison. */
  start(): Promise<void> {
    return this.#heartbeat.start();
  }

  stop(): Promise<void> {
    return this.#heartbeat.stop();
  }

  /** How far the local clock is ahead of each witness that answered last, ms. */
  skews(): ReadonlyMap<string, number> {
    const own = readOwn(this.#options.own);
    return new Map(this.#readings.map(({ name, baseMs }) => [name, own.baseMs - baseMs]));
  }

  async compare(): Promise<void> {
    const { witnesses, own, maxSkewMs } = this.#options;
    const read = await Promise.allSettled(witnesses.map((witness) => this.#read(witness)));
    this.#readings = read.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    const useful = this.#readings.filter(({ uncertaintyMs }) => uncertaintyMs <= maxSkewMs * USEFUL_PART);
    this.clock.reference = referenceTime(useful, readOwn(own), this.clock.reference, maxSkewMs);
    this.#warn(useful);
    this.#options.onCompared?.(this);
  }

  async #read(witness: ClockWitness): Promise<ClockReading> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`${witness.name} does not report its time`);
      timer = setTimeout(() => reject(error), READ_TIMEOUT_MS);
    });
    try {
      return await Promise.race([readWitness(witness, this.#options.own), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #warn(readings: readonly ClockReading[]): void {
    const { logger, maxSkewMs } = this.#options;
    const { reference } = this.clock;
    const fault = this.clock.fault();
    if (fault !== undefined)
      logger.warn({ reason: fault }, 'the local clock is wrong: work that depends on it has stopped');
    else if (this.#wasWrong) logger.info({}, 'the local clock is correct again');
    this.#wasWrong = fault !== undefined;
    for (const { name, baseMs } of readings) {
      const aheadMs = baseMs - (reference?.baseMs ?? baseMs);
      if (Math.abs(aheadMs) <= maxSkewMs) continue;
      const direction = aheadMs > 0 ? 'ahead' : 'behind';
      const agreeing = reference?.witnesses.join(', ');
      logger.warn(
        { by: `${spanText(aheadMs)} ${direction}`, agreeing },
        `the clock of ${name} is wrong and is ignored until it is corrected`,
      );
    }
  }
}
