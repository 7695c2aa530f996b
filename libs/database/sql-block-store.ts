import type { MetricMetadata } from '@xscaler/model';
import type {
  BlockCommit,
  BlockMeta,
  BlockPart,
  BlockPartKind,
  BlockStore,
  LedgerRow,
} from './block-store.ts';
import type { Database } from './database.ts';

export class SqlBlockStore implements BlockStore {
  readonly #db: Database;
  readonly #now: () => number;
  /** `now` is the wall clock in ms: the age of staged parts. */
  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }
  stage(blockId: string, tenant: string, parts: readonly BlockPart[]): Promise<void> {
    throw new Error(`not built yet ${this.#db} ${this.#now} ${blockId} ${tenant} ${parts}`);
  }
  commit(commit: BlockCommit): Promise<'committed' | 'already'> {
    throw new Error(`not built yet ${commit}`);
  }
  resumeOffset(partition: number): Promise<number> {
    throw new Error(`not built yet ${partition}`);
  }
  ledger(partition: number): Promise<LedgerRow[]> {
    throw new Error(`not built yet ${partition}`);
  }
  pruneLedger(partition: number, offset: number): Promise<void> {
    throw new Error(`not built yet ${partition} ${offset}`);
  }
  list(tenant: string, minTimeMs: number, maxTimeMs: number): Promise<BlockMeta[]> {
    throw new Error(`not built yet ${tenant} ${minTimeMs} ${maxTimeMs}`);
  }
  readPart(
    blockId: string,
    kind: BlockPartKind,
    number: number,
    offset?: number,
    length?: number,
  ): Promise<Uint8Array> {
    throw new Error(`not built yet ${blockId} ${kind} ${number} ${offset} ${length}`);
  }
  metadata(tenant: string, metric: string | undefined): Promise<MetricMetadata[]> {
    throw new Error(`not built yet ${tenant} ${metric}`);
  }
  sweepStaged(beforeMs: number): Promise<number> {
    throw new Error(`not built yet ${beforeMs}`);
  }
}
