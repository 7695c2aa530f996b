import type { LoggedDeletion } from '@xscaler/database';

/**
 * Deletions read from the log and not yet stored with a commit: the resume offset moves over one only in the transaction
 * that stores it, so a replay brings it again until then.
 */
export class PendingDeletions {
  #pending: LoggedDeletion[] = [];

  add(logged: LoggedDeletion): void {
    this.#pending.push(logged);
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0;
  }

  has(tenant: string): boolean {
    return this.#pending.some(({ deletion }) => deletion.tenant === tenant);
  }

  /** Those below an offset of the log. */
  snapshot(belowOffset: number): readonly LoggedDeletion[] {
    return this.#pending.filter(({ logOffset }) => logOffset < belowOffset);
  }

  /** Forgets what a commit has stored, but not what came after its snapshot. */
  forget(snapshot: readonly LoggedDeletion[]): void {
    const stored = new Set(snapshot);
    this.#pending = this.#pending.filter((logged) => !stored.has(logged));
  }
}
