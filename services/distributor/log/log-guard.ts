import { Heartbeat } from '@xscaler/cluster';
import type { KnownLog, KnownPartition, LogIdentityStore } from '@xscaler/database';
import type { LogWriter } from '@xscaler/runtime';
import { type LogBatch, type WriteLog, WriteLogError, type WriteLogErrorCode } from '@xscaler/writelog';
import { logFailureText } from './log-failure-text.ts';

export interface LogGuardOptions {
  readonly log: WriteLog;
  readonly identities: LogIdentityStore;
  readonly logger: Pick<LogWriter, 'info' | 'error'>;
}

const CHECK_EVERY_MS = 2_000;

/** Why no record may go to the log. */
interface Refusal {
  readonly code: WriteLogErrorCode;
  readonly reason: string;
  /** For the log. */
  readonly cause?: unknown;
}

/**
 * Lets records go only to the log that the stored blocks were made from: readers would skip another log's records below their resume
 * offsets. The database has the right log's identity. It is compared with the current log's every two seconds. Records appended to
 * another log between two checks are still in it when an operator makes the partitions continue with that log.
 *
 * The first log of an installation is registered here, before any write is acknowledged.
 */
export class LogGuard {
  readonly #options: LogGuardOptions;
  readonly #heartbeat: Heartbeat;
  #known: KnownLog | undefined;
  #refusal: Refusal | undefined = { code: 'unavailable', reason: 'the write log has not been checked yet' };
  /** Why the last look failed. */
  #unreachable: string | undefined;

  constructor(options: LogGuardOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(() => this.check(), CHECK_EVERY_MS);
  }

  /** Resolves after the first check, whatever its result. */
  start(): Promise<void> {
    return this.#heartbeat.start();
  }

  stop(): Promise<void> {
    return this.#heartbeat.stop();
  }

  /** Why no record goes to the log, for `/-/ready`; undefined if they do. Rejections by the log itself are reported by `AppendHealth`. */
  notReady(): string | undefined {
    const refusal = this.#refusal;
    if (refusal?.code === 'unavailable') return this.#unreachable ?? refusal.reason;
    return refusal?.reason ?? this.#unreachable;
  }

  /** @throws WriteLogError if no record may go to the log */
  requireRight(): void {
    if (this.#refusal !== undefined) throw new WriteLogError(this.#refusal.code, this.#refusal.reason);
  }

  /** Looks at the database and the log. Never rejects. */
  async check(): Promise<void> {
    const { identities, log, logger } = this.#options;
    // While the database is unreachable its last answer holds.
    this.#known = await identities.known().catch(() => this.#known);
    const before = this.#refusal;
    try {
      const identity = await log.identity();
      this.#unreachable = undefined;
      this.#refusal = await this.#judge(identity);
    } catch (error) {
      const { code, message } = error as WriteLogError;
      if (code === 'log_missing') this.#refusal = { code, reason: `the write log is gone: ${message}` };
      else this.#unreachable = `the write log is unreachable: ${logFailureText(error)}`;
    }
    const { reason, cause } = this.#refusal ?? {};
    if (reason === before?.reason) return;
    if (reason !== undefined) logger.error({ reason, err: cause }, 'no writes are accepted');
    else logger.info({}, 'the write log is the right one');
  }

  async #judge(identity: string): Promise<Refusal | undefined> {
    const known = this.#known;
    if (known === undefined) {
      const reason = 'the write log cannot be verified: the database is unreachable';
      return { code: 'unavailable', reason };
    }
    // A recreated log may have fewer partitions: the others get no writes.
    const own = known.partitions.filter(({ partition }) => partition < this.#options.log.partitionCount);
    const expected = [known.registered, ...own.map((partition) => partition.identity)];
    const other = expected.find((name) => name !== undefined && name !== identity);
    if (other === undefined)
      return known.registered === undefined ? this.#register(own, identity) : undefined;
    const reason = `its identity is ${identity}, not ${other}: see \`xscaler log accept-loss\``;
    return {
      code: 'log_replaced',
      reason: `the write log is not the one that blocks were created from: ${reason}`,
    };
  }

  /** Makes the log the registered one, if it may be the one that known partitions were read from. */
  async #register(partitions: readonly KnownPartition[], identity: string): Promise<Refusal | undefined> {
    const { identities, log, logger } = this.#options;
    for (const { partition, resumeOffset } of partitions) {
      const endOffset = await log.endOffset(partition);
      if (endOffset >= resumeOffset) continue;
      const reason = `partition ${partition} ends at offset ${endOffset}, below its resume offset ${resumeOffset}`;
      const what = `the write log is not the one that blocks were created from: ${reason}`;
      return { code: 'log_replaced', reason: what };
    }
    try {
      const registered = await identities.register(identity);
      logger.info({ identity: registered }, 'the write log is registered');
      if (registered === identity) return undefined;
      return {
        code: 'log_replaced',
        reason: `another write log is registered: ${registered}, not ${identity}`,
      };
    } catch (error) {
      const reason = `the write log could not be registered: ${logFailureText(error)}`;
      return { code: 'unavailable', reason, cause: error };
    }
  }
}

/** A log that accepts records only while its guard allows it. */
export class GuardedLog implements WriteLog {
  readonly #log: WriteLog;
  readonly #guard: LogGuard;

  constructor(log: WriteLog, guard: LogGuard) {
    this.#log = log;
    this.#guard = guard;
  }

  get partitionCount(): number {
    return this.#log.partitionCount;
  }

  async append(partition: number, record: Uint8Array): Promise<number> {
    this.#guard.requireRight();
    return this.#log.append(partition, record);
  }

  read(partition: number, fromOffset: number, signal: AbortSignal): AsyncIterable<LogBatch> {
    return this.#log.read(partition, fromOffset, signal);
  }

  startOffset(partition: number): Promise<number> {
    return this.#log.startOffset(partition);
  }

  endOffset(partition: number): Promise<number> {
    return this.#log.endOffset(partition);
  }

  identity(): Promise<string> {
    return this.#log.identity();
  }

  truncate(partition: number, offset: number): Promise<void> {
    return this.#log.truncate(partition, offset);
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}
