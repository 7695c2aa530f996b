import type { BlockStore } from '@xscaler/database';
import type { WriteLog } from '@xscaler/writelog';
import type { Conflicts, TenantConflicts } from './heads/conflicts.ts';
import type { HeldHead, PartitionHeads } from './heads/partition-heads.ts';

/** A partition as `/debug` shows it. */
export interface PartitionReport {
  readonly partition: number;
  readonly state: string;
  readonly stoppedBy: string | undefined;
  readonly nextOffset: number;
  /** Undefined if log or database are unreachable. */
  readonly endOffset: number | undefined;
  readonly lag: number | undefined;
  readonly resumeOffset: number | undefined;
  readonly ledgerRows: number | undefined;
  readonly conflicts: readonly TenantConflicts[];
  readonly heads: readonly object[];
}

/** The state that a report needs from the partition's owner. */
interface ReportedOwner {
  readonly partition: number;
  readonly state: string;
  readonly stoppedBy: string | undefined;
  readonly nextOffset: number;
  readonly heads: PartitionHeads;
  readonly conflicts: Conflicts;
}

/** The partition's details, for an operator who looks for a fault. Never rejects. */
export async function reportOf(
  owner: ReportedOwner,
  log: Pick<WriteLog, 'endOffset'>,
  blocks: Pick<BlockStore, 'resumeOffset' | 'ledger'>,
): Promise<PartitionReport> {
  const { partition } = owner;
  const heads = [...owner.heads.all()].map(reportOfHead);
  // Details that are unreachable are omitted: a report is most needed during an outage.
  const unknown = () => undefined;
  const [endOffset, resumeOffset, ledgerRows] = await Promise.all([
    log.endOffset(partition).catch(unknown),
    blocks.resumeOffset(partition).catch(unknown),
    blocks.ledger(partition).then((rows) => rows.length, unknown),
  ]);
  const { state, nextOffset, stoppedBy } = owner;
  const lag = endOffset === undefined ? undefined : endOffset - nextOffset;
  const conflicts = owner.conflicts.all();
  return {
    partition,
    state,
    stoppedBy,
    nextOffset,
    endOffset,
    lag,
    resumeOffset,
    ledgerRows,
    conflicts,
    heads,
  };
}

function reportOfHead({ head, state, toOffset, cutByZone }: HeldHead): object {
  return {
    tenant: head.tenant,
    windowStart: new Date(head.windowStartMs).toISOString(),
    windowMs: head.windowMs,
    state,
    fromOffset: head.fromOffset,
    ...(state !== 'open' && { toOffset, cutByZone }),
    series: head.seriesCount,
    samples: head.sampleCount,
    bytes: head.byteSize,
  };
}
