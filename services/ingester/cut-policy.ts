import type { HeldHead, PartitionHeads } from './partition-heads.ts';

/** When heads are closed. Only a live owner asks: replay closes heads where the log says they were. */
export interface CutSettings {
  /** How long after its end a window stays open for samples that come on time or a little late. */
  readonly graceMs: number;
  /** Age at which a head that was opened by late samples is cut. */
  readonly lateHeadAgeMs: number;
  readonly lateHeadBytes: number;
  /** Bytes of a partition's open heads past which the largest is cut, and of all uncommitted ones past which it stops consuming. */
  readonly maxHeadBytes: number;
}

/** A cut that was asked for and hasn't come back through the log is asked for again after this. */
const CUT_RETRY_MS = 10_000;

/** The open heads that should be cut now. Marks them as asked for. */
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
  // Heads that are closed, or about to be, give their memory back already: cutting more would only make small blocks.
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
