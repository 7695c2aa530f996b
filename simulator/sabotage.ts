import type { BlockStore } from '@xscaler/database';
import type { Random } from '@xscaler/e2e/harness';
import type { Cluster } from './cluster.ts';

/** Invariants broken on purpose, so that a test can see that a broken one is noticed. */
export const SABOTAGE: Readonly<Record<string, (cluster: Cluster, random: Random) => void>> = {
  /** A commit moves the resume offset over records that no block holds. */
  'resume-offset-too-far': (cluster) =>
    wrapBlocks(cluster, (blocks) => ({
      commit: (commit) =>
        blocks.commit({
          ...commit,
          resumeOffset: Math.max(commit.resumeOffset, (commit.meta?.toOffset ?? -1) + 1),
        }),
    })),

  /** A replay doesn't know which samples are in blocks. */
  'ledger-not-read': (cluster) =>
    wrapBlocks(cluster, (blocks) => ({
      progress: async (partition, minToOffset) => {
        const progress = await blocks.progress(partition, minToOffset);
        return minToOffset === undefined ? { ...progress, ledger: [] } : progress;
      },
    })),

  /** A querier doesn't see one block in twenty. */
  'block-not-listed': (cluster, random) =>
    wrapBlocks(cluster, (blocks) => ({
      list: async (...range) => (await blocks.list(...range)).filter(() => random.next() >= 0.05),
    })),

  /** Distributors write what they know to write, whatever ingesters read. */
  'record-versions-ignored': (cluster) => {
    for (const distributor of cluster.distributors) {
      distributor.wrapRecordVersion = () => () => distributor.recordVersion;
    }
  },

  /** Everybody goes by his own clock, however wrong it is. */
  'clocks-believed': (cluster) => {
    for (const process of cluster.processes) process.wrapClockFault = () => () => undefined;
  },

  /** Ingesters whose clocks are ahead note by them until when everything is in blocks. */
  'future-noted': (cluster) => {
    for (const ingester of cluster.ingesters) {
      ingester.wrapClockFault = () => () => undefined;
      const start = ingester.start.bind(ingester);
      ingester.start = () => start(3_600_000);
    }
  },

  /** Nobody looks which log exists, nor at what was read of it before. */
  'log-identity-ignored': (cluster) => {
    const { log } = cluster.surroundings;
    const { identity } = log;
    Object.defineProperty(log, 'identity', { get: () => identity, set: () => undefined });
    wrapBlocks(cluster, (blocks) => ({
      progress: async (...range) => ({ ...(await blocks.progress(...range)), mark: undefined }),
    }));
  },

  /** The log answers before it has the record, and one in fifty never gets there. */
  'log-answers-early': ({ surroundings: { log } }, random) => {
    const append = log.append.bind(log);
    log.append = (partition, record) =>
      random.next() < 0.02 ? log.partitions[partition].records.length : append(partition, record);
  },
};

function wrapBlocks(cluster: Cluster, faults: (blocks: BlockStore) => Partial<BlockStore>): void {
  for (const process of cluster.processes) {
    process.wrapBlocks = (blocks) => {
      const broken = faults(blocks);
      return new Proxy(blocks, {
        get: (target, name) => {
          const method = Reflect.get(broken, name) ?? Reflect.get(target, name);
          return typeof method === 'function' ? method.bind(target) : method;
        },
      });
    };
  }
}
