import type { HeldHead, PartitionHeads } from './partition-heads.ts';

/** When heads are closed. Only a live owner asks for cuts; a replay closes heads where the log did. */
export interface CutSettings {
  /** How long after its end a window stays open for samples that arrive on time or slightly late. */
  readonly graceMs: number;
  /** Age at which a head that was opened by late samples is cut. */
  readonly lateHeadAgeMs: number;
  readonly lateHeadBytes: number;
  /** Above this many bytes in a partition's open heads the largest is cut; above it in all uncommitted heads the partition stops consuming. */
  readonly maxHeadBytes: number;
}

/** A requested cut that has not come back through the log is requested again after this time. */
const CUT_RETRY_MS = 10_000;

/** Returns the open heads to cut now, and marks them as requested. */
export function headsToCut(heads: PartitionHeads, settings: CutSettings, nowMs: number): HeldHead[] {
  const due: HeldHead[] = [];
  let largest: HeldHead | undefined;
  let openBytes = 0;
  for (const held of heads.openHeads()) {
    if (nowMs - held.cutAskedAtMs < CUT_RETRY_MS) continue;
    openBytes += held.head.byteSize;
    if (isDue(held, settings, nowMs)) due.push(held);
    else if (largest === undefined || held.head.byteSize > largest.head.byteSize) largest = held;
  }
  // Heads that are closed or being closed will return their memory soon: cutting more would only make small blocks.
  if (largest !== undefined && due.length === 0 && openBytes > settings.maxHeadBytes) due.push(largest);
  for (const held of due) held.cutAskedAtMs = nowMs;
  return due;
}

function isDue(held: HeldHead, settings: CutSettings, nowMs: number): boolean {
  const { head, openedAtMs } = held;
  const windowClosesMs = head.windowStartMs + head.windowMs + settings.graceMs;
  if (openedAtMs < windowClosesMs) return nowMs >= windowClosesMs;
  return nowMs - openedAtMs >= settings.lateHeadAgeMs || head.byteSize >= settings.lateHeadBytes;
}
