import { randomBytes, randomUUID } from 'node:crypto';
import { type CommitPoint, NO_COMMIT } from '@xscaler/database';
import { Matcher } from '@xscaler/model';
import { Head, type HeadMemory, type Tombstone } from '@xscaler/tsdb';
import type { Cut, Deletion } from '@xscaler/wire/log-record';
import { windowKey } from './ledger-view.ts';

export type HeadState = 'open' | 'closed' | 'committed';

/** A head and its state. Its times are wall-clock and only steer policy. */
export interface HeldHead {
  readonly head: Head;
  /** Id of the block that it becomes, the same for every attempt: staged parts stay valid. */
  readonly blockId: string;
  /** Deletions since it was closed; an open head holds no deleted samples. */
  readonly tombstones: Tombstone[];
  state: HeadState;
  /** Once closed: offset of the record that closed it, and the zone that stores it. */
  toOffset: number;
  cutByZone: string;
  closedAtMs: number;
  readonly openedAtMs: number;
  cutAskedAtMs: number;
  committedAtMs: number;
  /** Once stored: the partition's last commit at that time. Its block is in that commit or an earlier one. */
  commit: CommitPoint;
}

/**
 * All heads of one partition. A window has at most one open head; older heads of the same window may still
 * wait for their commit, or linger after it for running queries.
 */
export class PartitionHeads {
  readonly #partition: number;
  readonly #memory: HeadMemory;
  readonly #seed = new Uint32Array(new Uint8Array(randomBytes(16)).buffer);
  readonly #open = new Map<string, HeldHead>();
  readonly #byTenant = new Map<string, Set<HeldHead>>();

  /** Heads take their memory from `memory` and give it back when they are dropped. */
  constructor(partition: number, memory: HeadMemory) {
    this.#partition = partition;
    this.#memory = memory;
  }

  open(tenant: string, windowStartMs: number, windowMs: number): HeldHead | undefined {
    return this.#open.get(windowKey(tenant, windowStartMs, windowMs));
  }

  /** The open head of a window. If there is none, opens one whose first offset is `offset`. */
  mustOpen(tenant: string, windowStartMs: number, windowMs: number, offset: number, nowMs: number): HeldHead {
    const key = windowKey(tenant, windowStartMs, windowMs);
    let held = this.#open.get(key);
    if (held) return held;
    const partition = this.#partition;
    const memory = this.#memory;
    const head = new Head({
      tenant,
      partition,
      windowStartMs,
      windowMs,
      seq: offset,
      fromOffset: offset,
      memory,
      seed: this.#seed,
    });
    held = {
      head,
      blockId: randomUUID(),
      tombstones: [],
      state: 'open',
      toOffset: -1,
      cutByZone: '',
      closedAtMs: 0,
      openedAtMs: nowMs,
      cutAskedAtMs: Number.NEGATIVE_INFINITY,
      committedAtMs: 0,
      commit: NO_COMMIT,
    };
    this.#open.set(key, held);
    const ofTenant = this.#byTenant.get(tenant);
    if (ofTenant) ofTenant.add(held);
    else this.#byTenant.set(tenant, new Set([held]));
    return held;
  }

  /** Closes the open head that a cut names; undefined if there is none (closed before, or never filled). */
  close(cut: Cut, offset: number, nowMs: number): HeldHead | undefined {
    const key = windowKey(cut.tenant, cut.windowStartMs, cut.windowMs);
    const held = this.#open.get(key);
    if (held === undefined || held.head.seq !== cut.seq) return undefined;
    this.#close(held, offset, cut.zone, nowMs);
    return held;
  }

  /**
   * Closes the open heads that have any of the deleted series, and hides the deleted samples of all closed heads, whose
   * records precede the deletion in the log. Later samples go into other heads. Returns the heads that it closed, to be
   * stored by `zone`: each zone stores them itself, since no zone asked for the cut.
   */
  delete(deletion: Deletion, offset: number, zone: string, nowMs: number): HeldHead[] {
    const { tenant, startMs, endMs } = deletion;
    const matcherSets = deletion.matcherSets.map((set) =>
      set.map(({ type, name, value }) => new Matcher(type, name, value)),
    );
    const closed: HeldHead[] = [];
    for (const held of this.ofTenant(tenant)) {
      const { head } = held;
      if (head.windowStartMs > endMs || head.windowStartMs + head.windowMs <= startMs) continue;
      if (held.state === 'open') {
        if (head.labelNames(matcherSets).length === 0) continue;
        this.#close(held, offset, zone, nowMs);
        closed.push(held);
      }
      held.tombstones.push({ matcherSets, startMs, endMs });
    }
    return closed;
  }

  #close(held: HeldHead, offset: number, zone: string, nowMs: number): void {
    const { tenant, windowStartMs, windowMs } = held.head;
    this.#open.delete(windowKey(tenant, windowStartMs, windowMs));
    held.state = 'closed';
    held.toOffset = offset;
    held.cutByZone = zone;
    held.closedAtMs = nowMs;
  }

  drop(held: HeldHead): void {
    const { tenant } = held.head;
    const ofTenant = this.#byTenant.get(tenant);
    ofTenant?.delete(held);
    if (ofTenant?.size === 0) this.#byTenant.delete(tenant);
    held.head.release();
  }

  ofTenant(tenant: string): Iterable<HeldHead> {
    return this.#byTenant.get(tenant) ?? [];
  }

  *all(): Iterable<HeldHead> {
    for (const ofTenant of this.#byTenant.values()) yield* ofTenant;
  }

  openHeads(): Iterable<HeldHead> {
    return this.#open.values();
  }

  /** The lowest offset that a replay would need if `committed` were stored: the start of the records that no block holds. */
  resumeOffsetWithout(committed: HeldHead | undefined, nextOffset: number): number {
    let resume = nextOffset;
    for (const held of this.all()) {
      if (held === committed || held.state === 'committed') continue;
      resume = Math.min(resume, held.head.fromOffset);
    }
    return resume;
  }

  /** Bytes held by heads that are not yet in a block. */
  get uncommittedBytes(): number {
    let bytes = 0;
    for (const held of this.all()) if (held.state !== 'committed') bytes += held.head.byteSize;
    return bytes;
  }
}
