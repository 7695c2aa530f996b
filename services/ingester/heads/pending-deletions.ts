import type { LoggedDeletion } from '@xscaler/database';

/**
 * Deletions read from the log and not yet stored with a commit. The resume offset moves past one only in the transaction
 * that stores it, so until then a replay reads it again.
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

  /** The deletions below a log offset. */
  snapshot(belowOffset: number): readonly LoggedDeletion[] {
    return this.#pending.filter(({ logOffset }) => logOffset < belowOffset);
  }

  /** Forgets the deletions that a commit has stored, but not those added after its snapshot. */
  forget(snapshot: readonly LoggedDeletion[]): void {
    const stored = new Set(snapshot);
    this.#pending = this.#pending.filter((logged) => !stored.has(logged));
  }
}
