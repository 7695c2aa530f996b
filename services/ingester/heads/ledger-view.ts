import type { LedgerRow } from '@xscaler/database';

/**
 * A partition's committed heads, in memory: tells a replay which samples are already in a block.
 * A sample is skipped only if a ledger row of its own tenant and window spans its offset.
 */
export class LedgerView {
  readonly #rows = new Map<string, { fromOffset: number; toOffset: number }[]>();
  #highestOffset = -1;

  add(row: LedgerRow): void {
    const key = windowKey(row.tenant, row.windowStartMs, row.windowMs);
    const spans = this.#rows.get(key);
    const span = { fromOffset: row.fromOffset, toOffset: row.toOffset };
    if (spans) spans.push(span);
    else this.#rows.set(key, [span]);
    this.#highestOffset = Math.max(this.#highestOffset, row.toOffset);
  }

  /** False for every offset that a live partition applies after its replay: the common case costs one comparison. */
  mayCover(offset: number): boolean {
    return offset <= this.#highestOffset;
  }

  covers(tenant: string, windowStartMs: number, windowMs: number, offset: number): boolean {
    const spans = this.#rows.get(windowKey(tenant, windowStartMs, windowMs));
    return spans?.some((span) => span.fromOffset <= offset && offset <= span.toOffset) ?? false;
  }

  /** Forgets spans that end below `offset`. */
  prune(offset: number): void {
    for (const [key, spans] of this.#rows) {
      const kept = spans.filter((span) => span.toOffset >= offset);
      if (kept.length === 0) this.#rows.delete(key);
      else if (kept.length < spans.length) this.#rows.set(key, kept);
    }
  }
}

export function windowKey(tenant: string, windowStartMs: number, windowMs: number): string {
  return `${tenant}\n${windowStartMs}\n${windowMs}`;
}
