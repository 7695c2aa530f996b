import type { BlockStore, CommitHistory, CommitPoint } from '@xscaler/database';
import { UnavailableError } from '@xscaler/rpc';

/**
 * What a partition's replica relies on the database for: blocks of heads that it has let go of, or never had because
 * the ledger says that they are stored. A database that goes back in time (a replica of it that had not heard of the last
 * commits took over, a backup was restored) has lost some of these; an ingester that continued without noticing would have holes.
 */
export class ReliedCommits {
  readonly #partition: number;
  readonly #blocks: Pick<BlockStore, 'commitHistory'>;
  /** The last commit as the committer knows it: a descendant of all that is relied on. */
  readonly #known: () => CommitPoint;
  readonly #onLost: () => void;
  /** All that is relied on is in this commit or an earlier one. */
  #relied: CommitPoint;
  /** All deletions that heads know of are in this commit or an earlier one. */
  #deletions: CommitPoint;
  /** A commit that was seen in one history with what was known then. */
  #verified: CommitPoint;

  /** `relied`: the last commit when the ledger was loaded. */
  constructor(
    partition: number,
    blocks: Pick<BlockStore, 'commitHistory'>,
    relied: CommitPoint,
    known: () => CommitPoint,
    onLost: () => void,
  ) {
    this.#partition = partition;
    this.#blocks = blocks;
    this.#known = known;
    this.#onLost = onLost;
    this.#relied = relied;
    this.#deletions = relied;
    this.#verified = relied;
  }

  /** Deletions were stored, which hide what blocks have. */
  storedDeletions(commit: CommitPoint): void {
    this.#deletions = commit;
  }

  /** A head is let go of that was known to be stored at a commit. */
  letGo(commit: CommitPoint): void {
    if (commit.number > this.#relied.number) this.#relied = commit;
  }

  /** Looks whether the database has what is relied on. Rejects with `DatabaseError` if it is unreachable. */
  async check(): Promise<CommitHistory> {
    const known = this.#known();
    const history = await this.#blocks.commitHistory(this.#partition);
    if (history.includes(known)) this.#verified = history.last;
    else this.#onLost();
    return history;
  }

  /**
   * Resolves if a reader that found `found` as the partition's last commit finds the blocks of all heads that are
   * not here any more, and the database what was deleted of them. @throws UnavailableError if it doesn't: its database is behind, or ours was
   */
  async requireIn(found: CommitPoint): Promise<void> {
    const relied = this.#relied;
    const deletions = this.#deletions;
    const isCurrent = isSame(found, this.#known()) || isSame(found, this.#verified);
    if (isCurrent && found.number >= Math.max(relied.number, deletions.number)) return;
    const history = await this.check();
    const hasBlocks = found.number >= relied.number && history.includes(relied) && history.includes(found);
    if (hasBlocks && history.includes(deletions)) return;
    throw new UnavailableError(
      `partition ${this.#partition}: the database that was read is at commit ${found.number} and lacks some of commit ${relied.number} or ${deletions.number}`,
    );
  }
}

function isSame(a: CommitPoint, b: CommitPoint): boolean {
  return a.number === b.number && a.id === b.id;
}
