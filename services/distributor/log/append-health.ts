import { Heartbeat, type Schedule } from '@xscaler/cluster';
import type { LogWriter } from '@xscaler/runtime';
import { encodeCut } from '@xscaler/wire/log-record';
import { logFailureText } from './log-failure-text.ts';

export interface AppendHealthOptions {
  /** Appends to a partition of the log; rejects if the record may not be durable. */
  readonly append: (partition: number, record: Uint8Array) => Promise<unknown>;
  /** The log takes records again, in all partitions. */
  readonly onWell?: () => void;
  readonly logger: Pick<LogWriter, 'info' | 'warn'>;
  /** Monotonic, ms. */
  readonly now: () => number;
  readonly schedule?: Schedule;
}

const PROBE_EVERY_MS = 1_000;
/** A nearly full disk accepts a small record and rejects the next large one. */
const WELL_AFTER_MS = 10_000;

/**
 * Whether the log accepts records, for `/-/ready`. It counts as rejecting until each partition whose last append failed has accepted a
 * record (a client's or an empty one) and none has rejected one for ten seconds. Asking for a partition's end is not enough: a full
 * disk, or a topic with too few replicas, still answers that.
 */
export class AppendHealth {
  readonly #options: AppendHealthOptions;
  readonly #heartbeat: Heartbeat;
  /** By partition: why its last append failed. */
  readonly #failures = new Map<number, string>();
  #failedMs = Number.NEGATIVE_INFINITY;
  #refusal: string | undefined;

  constructor(options: AppendHealthOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(() => this.#beat(), PROBE_EVERY_MS, undefined, options.schedule);
  }

  start(): Promise<void> {
    return this.#heartbeat.start();
  }

  /** Doesn't wait for a probe under way: a log that is unreachable may take half a minute to refuse it. */
  stop(): void {
    void this.#heartbeat.stop();
  }

  /** A record was made durable in a partition, or could not be. */
  noteAppend(partition: number, failure: Error | undefined): void {
    if (failure === undefined) {
      this.#failures.delete(partition);
      return;
    }
    const { logger, now } = this.#options;
    this.#failures.set(partition, failure.message);
    this.#failedMs = now();
    if (this.#refusal === undefined)
      logger.warn({ partition, err: failure }, 'the write log rejects records');
    const others = this.#failures.size > 1 ? ` and ${this.#failures.size - 1} more` : '';
    this.#refusal = `writes are refused: the write log rejects records of partition ${partition}${others}: ${logFailureText(failure)}`;
  }

  /** Why writes are refused; undefined while they are not. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  async #beat(): Promise<void> {
    await this.#probe();
    const { logger, now, onWell } = this.#options;
    if (this.#refusal === undefined || this.#failures.size > 0) return;
    if (now() - this.#failedMs < WELL_AFTER_MS) return;
    this.#refusal = undefined;
    logger.info({}, 'the write log accepts records again');
    onWell?.();
  }

  async #probe(): Promise<void> {
    const partitions = [...this.#failures.keys()];
    await Promise.all(
      partitions.map(async (partition) => {
        try {
          await this.#options.append(partition, recordOfNothing());
          this.noteAppend(partition, undefined);
        } catch (error) {
          // Unless a client's append has succeeded meanwhile.
          if (this.#failures.has(partition)) this.noteAppend(partition, error as Error);
        }
      }),
    );
  }
}

/** Closes a head of a tenant that cannot be, since no tenant's name has a slash: every ingester passes over it. */
function recordOfNothing(): Uint8Array {
  return encodeCut({ tenant: '/', windowStartMs: 0, windowMs: 1, seq: 0, zone: '' });
}
