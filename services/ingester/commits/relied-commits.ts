import type { BlockStore, CommitHistory, CommitPoint } from '@xscaler/database';
import { UnavailableError } from '@xscaler/rpc';

/**
 * The commits that a partition's replica relies on: they hold blocks of heads that it has dropped, or never had because the
 * ledger says that they are stored. A database that goes back in time (a lagging replica took over, or a backup was restored)
 * has lost some of them; an ingester that did not notice would have holes.
 */
export class ReliedCommits {
  readonly #partition: number;
  readonly #blocks: Pick<BlockStore, 'commitHistory'>;
  /** The last commit known to the committer: a descendant of all commits relied on. */
  readonly #known: () => CommitPoint;
  readonly #onLost: () => void;
  /** All blocks relied on are in this commit or an earlier one. */
  #relied: CommitPoint;
  /** All deletions known to heads are in this commit or an earlier one. */
  #deletions: CommitPoint;
  /** A commit that was seen in one history with the last known commit. */
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

  /** Notes that deletions, which hide samples of blocks, were stored. */
  storedDeletions(commit: CommitPoint): void {
    this.#deletions = commit;
  }

  /** Notes that a head is dropped that was known to be stored at a commit. */
  letGo(commit: CommitPoint): void {
    if (commit.number > this.#relied.number) this.#relied = commit;
  }

  /** Checks that the database has the commits relied on. Rejects with `DatabaseError` if it is unreachable. */
  async check(): Promise<CommitHistory> {
    const known = this.#known();
    const history = await this.#blocks.commitHistory(this.#partition);
    if (history.includes(known)) this.#verified = history.last;
    else this.#onLost();
    return history;
  }

  /**
   * Resolves if a reader that found `found` as the partition's last commit finds the blocks of all dropped heads, and the
   * database has their deletions. @throws UnavailableError if not: the reader's database is behind, or ours was
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
