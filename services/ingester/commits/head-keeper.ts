import { setTimeout as sleep } from 'node:timers/promises';
import type { LogWriter } from '@xscaler/runtime';
import { encodeCut } from '@xscaler/wire/log-record';
import type { WriteLog } from '@xscaler/writelog';
import { type CutSettings, headsToCut } from '../heads/cut-policy.ts';
import type { PartitionHeads } from '../heads/partition-heads.ts';
import type { IngesterMetrics } from '../metrics/ingester-metrics.ts';
import type { ReliedCommits } from './relied-commits.ts';

export interface HeadKeeperOptions {
  readonly partition: number;
  readonly zone: string;
  readonly log: Pick<WriteLog, 'append'>;
  readonly cuts: CutSettings;
  /** How long a committed head stays readable: longer than a query lives. */
  readonly committedHeadLingerMs: number;
  readonly clock: () => number;
  readonly logger: LogWriter;
  readonly metrics: IngesterMetrics;
  readonly heads: PartitionHeads;
  /** Undefined until the ledger is loaded. */
  readonly relied: () => ReliedCommits | undefined;
  /** Whether the replay is over; until then heads are closed where the log says so. */
  readonly isLive: () => boolean;
}

/** How often to check that the database has not lost commits. */
const CHECK_COMMITS_MS = 5_000;

/**
 * Keeps a partition's heads young and few: asks for cuts through the log, drops heads that have lingered long enough, and
 * checks that the database still has the dropped ones.
 */
export class HeadKeeper {
  readonly #options: HeadKeeperOptions;
  #checkedMs: number;

  constructor(options: HeadKeeperOptions) {
    this.#options = options;
    this.#checkedMs = options.clock();
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { cuts, heads, isLive, metrics, partition } = this.#options;
    while (!signal.aborted) {
      await sleep(intervalMs(cuts), undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (isLive()) await this.#askForCuts();
      this.#dropCommitted();
      await this.#checkCommits();
      metrics.observeHeads(partition, heads);
    }
  }

  async #askForCuts(): Promise<void> {
    const { clock, cuts, heads, log, logger, partition, zone } = this.#options;
    for (const { head } of headsToCut(heads, cuts, clock())) {
      const { tenant, windowStartMs, windowMs, seq } = head;
      const cut = encodeCut({ tenant, windowStartMs, windowMs, seq, zone });
      await log
        .append(partition, cut)
        .catch((error) => logger.warn({ partition, err: error }, 'a cut was not logged'));
    }
  }

  #dropCommitted(): void {
    const { clock, committedHeadLingerMs, heads, relied } = this.#options;
    for (const held of [...heads.all()]) {
      if (held.state !== 'committed' || clock() - held.committedAtMs <= committedHeadLingerMs) continue;
      relied()?.letGo(held.commit);
      heads.drop(held);
    }
  }

  async #checkCommits(): Promise<void> {
    const { clock, relied } = this.#options;
    if (clock() - this.#checkedMs < CHECK_COMMITS_MS) return;
    this.#checkedMs = clock();
    // An unreachable database is checked when it is back.
    await relied()
      ?.check()
      .catch(() => undefined);
  }
}

/** Heads are checked for cuts once a second, or more often if windows are short. */
function intervalMs(cuts: CutSettings): number {
  return Math.min(1_000, Math.max(50, Math.min(cuts.graceMs, cuts.lateHeadAgeMs) / 2));
}
