import { setTimeout as sleep } from 'node:timers/promises';
import { type BlockStore, DatabaseError } from '@xscaler/database';
import { commitOf, metaOf } from '@xscaler/database/contracts';

export const TENANT = 'team';
export const CHUNK_BYTES = 20_000;

/** Stages and commits the head that ends at `offset` of a partition, as one of its replicas. */
export async function commitHead(
  store: BlockStore,
  partition: number,
  offset: number,
  replica: string,
): Promise<'committed' | 'already'> {
  const meta = metaOf({
    blockId: `block-${partition}-${offset}-${replica}`,
    tenant: TENANT,
    partition,
    seq: offset,
    fromOffset: offset,
    toOffset: offset,
    digest: `digest of ${offset}`,
  });
  await store.stage(meta.blockId, TENANT, [
    { kind: 'index', number: 0, bytes: new TextEncoder().encode(String(offset)) },
    { kind: 'chunks', number: 0, bytes: new Uint8Array(CHUNK_BYTES).fill(offset) },
  ]);
  const entries = [{ metric: `last_${partition}`, type: 'counter' as const, help: String(offset), unit: '' }];
  const metadata = [{ tenant: TENANT, entries }];
  return store.commit(
    commitOf(meta, {
      partCount: 2,
      partition,
      expectedResumeOffset: offset,
      resumeOffset: offset + 1,
      metadata,
    }),
  );
}

/** What a replica was told while it committed head after head, the database coming and going. */
export interface ReplicaReport {
  /** Offsets whose commit was acknowledged. */
  readonly acknowledged: number[];
  unavailable: number;
}

/** Commits the heads of a partition one after another until `signal`; what is `unavailable` is tried again. */
export async function commitUntil(
  signal: AbortSignal,
  store: BlockStore,
  partition: number,
  replica: string,
): Promise<ReplicaReport> {
  const report: ReplicaReport = { acknowledged: [], unavailable: 0 };
  let offset = 0;
  while (!signal.aborted) {
    try {
      await commitHead(store, partition, offset, replica);
      report.acknowledged.push(offset);
      offset = await store.resumeOffset(partition);
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.code !== 'unavailable') throw error;
      report.unavailable++;
      await sleep(20);
    }
  }
  return report;
}
