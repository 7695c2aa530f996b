import { Heartbeat, type OwnersSnapshot } from '@xscaler/cluster';
import { HIGHEST_RECORD_VERSION, LOWEST_RECORD_VERSION } from '@xscaler/wire/log-record';

export interface RecordVersionsOptions {
  /** The ingesters announced now, or last known. */
  readonly owners: () => Promise<OwnersSnapshot>;
  /** In ms. */
  readonly clock: () => number;
  readonly logger: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

interface Announced {
  readonly recordVersion: number;
  readonly seenMs: number;
}

const LOOK_MS = 1_000;
/** An ingester that is no longer announced may have crashed and may return unchanged. */
const REMEMBERED_MS = 3_600_000;

/**
 * The version of the log's records to write: the highest that every announced ingester reads. While no ingester is known it is the
 * lowest, which all read. For data that needs a newer version see `WritesOptions`.
 */
export class RecordVersions {
  readonly #options: RecordVersionsOptions;
  readonly #heartbeat: Heartbeat;
  readonly #announced = new Map<string, Announced>();
  #current = LOWEST_RECORD_VERSION;
  #told = '';

  constructor(options: RecordVersionsOptions) {
    this.#options = options;
    this.#heartbeat = new Heartbeat(() => this.#look(), LOOK_MS);
  }

  get current(): number {
    return this.#current;
  }

  /** Resolves after the first look, even if it failed. */
  start(): Promise<void> {
    return this.#heartbeat.start();
  }

  stop(): Promise<void> {
    return this.#heartbeat.stop();
  }

  async #look(): Promise<void> {
    const { owners, clock } = this.#options;
    const { byPartition } = await owners();
    const nowMs = clock();
    const read = new Map<string, number>();
    // Two processes may have the same instance id by mistake: both read the log.
    for (const { instanceId, recordVersion } of [...byPartition.values()].flat()) {
      read.set(instanceId, Math.min(recordVersion, read.get(instanceId) ?? recordVersion));
    }
    for (const [instanceId, recordVersion] of read) {
      this.#announced.set(instanceId, { recordVersion, seenMs: nowMs });
    }
    // Without announcements the ingesters seen last are kept, however long ago that was.
    if (byPartition.size > 0) {
      for (const [instanceId, { seenMs }] of this.#announced) {
        if (nowMs - seenMs > REMEMBERED_MS) this.#announced.delete(instanceId);
      }
    }
    if (this.#announced.size === 0) return;
    const versions = [...this.#announced.values()].map(({ recordVersion }) => recordVersion);
    this.#current = Math.min(HIGHEST_RECORD_VERSION, ...versions);
    this.#tell();
  }

  #tell(): void {
    const { logger } = this.#options;
    const recordVersion = this.#current;
    const behind = [...this.#announced].filter(([, announced]) => announced.recordVersion <= recordVersion);
    const ingesters = recordVersion < HIGHEST_RECORD_VERSION ? behind.map(([name]) => name).sort() : [];
    const told = JSON.stringify([recordVersion, ingesters]);
    if (told === this.#told) return;
    this.#told = told;
    if (ingesters.length === 0) logger.info({ recordVersion }, 'every ingester reads the newest records');
    else
      logger.warn(
        { recordVersion, ingesters },
        'newer records are not written yet: some ingesters read only older ones',
      );
  }
}
