import type { IngesterRun, OwnerHeartbeat } from '@xscaler/cluster';
import type { Logger } from '@xscaler/runtime';

/** Another process that lives and has this one's zone and ordinal. */
export interface Twin {
  readonly runId: string;
  readonly address: string;
  /** ISO 8601, by its own clock. */
  readonly startedAt: string;
  /** Which of the two started later, and is the one that isn't ready. */
  readonly isYounger: boolean;
}

export interface TwinWatchOptions {
  readonly zone: string;
  readonly ordinal: number;
  readonly run: Pick<IngesterRun, 'id' | 'startedMs'>;
  readonly logger: Pick<Logger, 'error' | 'info'>;
  /** Monotonic, ms. */
  readonly now: () => number;
}

/** A process that sends no heartbeat for this long has ended. */
const GONE_MS = 8_000;

interface Seen {
  readonly beat: number;
  /** When its count of heartbeats was seen to grow last; undefined if it hasn't been yet: it may be a process that was killed. */
  readonly grewMs: number | undefined;
}

/**
 * Notices another living ingester with the same zone and ordinal, within two heartbeats of it. Both apply the same log, so data
 * stays right; but partitions that somebody else was to have may have no owner, and work is done twice.
 */
export class TwinWatch {
  readonly #options: TwinWatchOptions;
  readonly #seen = new Map<string, Seen>();
  #twins: readonly Twin[] = [];

  constructor(options: TwinWatchOptions) {
    this.#options = options;
  }

  /** By the heartbeats of all processes that have this place. */
  look(heartbeats: readonly OwnerHeartbeat[]): void {
    const nowMs = this.#options.now();
    const others = heartbeats.filter(({ run }) => run.id !== this.#options.run.id);
    const ids = new Set(others.map(({ run }) => run.id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
    const twins = others.filter(({ run }) => this.#isAlive(run, nowMs)).map((each) => this.#twinOf(each));
    this.#tell(twins);
    this.#twins = twins;
  }

  /** For `/debug`. */
  get twins(): readonly Twin[] {
    return this.#twins;
  }

  /** Why this process isn't ready: the younger of two is not. */
  notReady(): string | undefined {
    const twin = this.#twins.find(({ isYounger }) => !isYounger);
    return twin && this.#text(twin);
  }

  /** What the older one says. */
  warning(): string | undefined {
    const twin = this.#twins.find(({ isYounger }) => isYounger);
    return twin && this.#text(twin);
  }

  #isAlive(run: IngesterRun, nowMs: number): boolean {
    const before = this.#seen.get(run.id);
    const hasGrown = before !== undefined && run.beat > before.beat;
    const grewMs = hasGrown ? nowMs : before?.grewMs;
    this.#seen.set(run.id, { beat: run.beat, grewMs });
    return grewMs !== undefined && nowMs - grewMs < GONE_MS;
  }

  #twinOf({ run, address }: OwnerHeartbeat): Twin {
    const own = this.#options.run;
    const isYounger = run.startedMs === own.startedMs ? run.id > own.id : run.startedMs > own.startedMs;
    return { runId: run.id, address, startedAt: new Date(run.startedMs).toISOString(), isYounger };
  }

  #tell(twins: readonly Twin[]): void {
    const { logger, zone, ordinal } = this.#options;
    const known = new Set(this.#twins.map(({ runId }) => runId));
    for (const twin of twins) {
      if (!known.has(twin.runId)) logger.error({ zone, ordinal, ...twin }, this.#text(twin));
    }
    if (twins.length === 0 && this.#twins.length > 0)
      logger.info({ zone, ordinal }, 'this zone and ordinal are unique again');
  }

  #text({ runId, address, startedAt }: Twin): string {
    const { zone, ordinal } = this.#options;
    return `another ingester has zone ${zone} and ordinal ${ordinal} too: run ${runId} at ${address}, started at ${startedAt}; give one of them another cluster.ordinal or cluster.zone, or stop it`;
  }
}
