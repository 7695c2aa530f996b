import { Heartbeat, type OwnersSnapshot } from '@xscaler/cluster';
import { HIGHEST_RECORD_VERSION, LOWEST_RECORD_VERSION } from '@xscaler/wire/log-record';

export interface RecordVersionsOptions {
  /** The ingesters that are announced now, or were when somebody was there to tell. */
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
/** An ingester that is not announced any more may have crashed and come back as before. */
const REMEMBERED_MS = 3_600_000;

/**
 * Which version of the log's records may be written: the highest that every ingester reads, by what they announce.
 * While none is known it is the lowest, which all read. What can't be said so is for later: see `DistributorOptions`.
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

  /** Resolves after a first look, whether or not it was answered. */
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
    // Two processes may have one place by mistake: both read the log.
    for (const { instanceId, recordVersion } of [...byPartition.values()].flat()) {
      read.set(instanceId, Math.min(recordVersion, read.get(instanceId) ?? recordVersion));
    }
    for (const [instanceId, recordVersion] of read) {
      this.#announced.set(instanceId, { recordVersion, seenMs: nowMs });
    }
    // Who was seen last stands, however long ago it was: there is nobody who would read more.
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
