import type { BlockStore, CommitHistory, CommitPoint } from '@xscaler/database';

/**
 * What a partition's replica relies on the database for: blocks of heads that it has let go of, or never had because
 * the ledger says that they are stored. A database that goes back in time (a replica of it that had not heard of the last
 * commits took over, a backup was restored) has lost some of these; whoever reads on without noticing has holes.
 */
export class ReliedCommits {
  readonly #partition: number;
  readonly #blocks: Pick<BlockStore, 'commitHistory'>;
  /** The last commit as the committer knows it: a descendant of all that is relied on. */
  readonly #known: () => CommitPoint;
  readonly #onLost: () => void;
  /** All that is relied on is in this commit or an earlier one. */
  #relied: CommitPoint;
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
    this.#verified = relied;
  }

  /** A head is let go of that was known to be stored at a commit. */
  letGo(commit: CommitPoint): void {
    if (commit.number > this.#relied.number) this.#relied = commit;
  }

  /** Looks whether the database has what is relied on. Rejects with `DatabaseError` where it is away. */
  async check(): Promise<CommitHistory> {
    const known = this.#known();
    const history = await this.#blocks.commitHistory(this.#partition);
    if (history.includes(known)) this.#verified = history.last;
    else this.#onLost();
    return history;
  }

  /**
   * Resolves where a reader that found `found` as the partition's last commit finds the blocks of all heads that are
   * not here any more. @throws Error where it doesn't: its database is behind, or ours was
   */
  async requireIn(found: CommitPoint): Promise<void> {
    if (this.#relied.number === 0 || isSame(found, this.#known())) return;
    if (isSame(found, this.#verified) && found.number >= this.#relied.number) return;
    const history = await this.check();
    const isCovered = found.number >= this.#relied.number && history.includes(this.#relied);
    if (isCovered && history.includes(found)) return;
    throw new Error(
      `partition ${this.#partition}: the database that was read is at commit ${found.number} and lacks blocks of commit ${this.#relied.number}`,
    );
  }
}

function isSame(a: CommitPoint, b: CommitPoint): boolean {
  return a.number === b.number && a.id === b.id;
}
