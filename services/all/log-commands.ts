import type { OwnerRegistry } from '@xscaler/cluster';
import { type BlockStore, SqlBlockStore } from '@xscaler/database';
import { createLogger } from '@xscaler/runtime';
import type { WriteLog } from '@xscaler/writelog';
import type { Config } from './config.ts';
import { takeFlags } from './own-flags.ts';

export const LOG_COMMANDS: readonly string[] = [
  'log skip --partition P --offset O     (take out a record that cannot be read)',
  'log accept-loss --partition P         (go on where the log begins, records are missing)',
];

class UsageError extends Error {}

/** How long PostgreSQL may take to be there. */
const DATABASE_WITHIN_MS = 30_000;

/**
 * What an operator does about a partition that is stopped, on the cluster's Kafka and PostgreSQL. Its ingesters go on after a restart.
 * @returns the process' exit code
 */
export async function runLogCommand(
  words: readonly string[],
  argv: readonly string[],
  readConfig: (argv: readonly string[]) => Config | undefined,
): Promise<number> {
  try {
    const { own, rest } = takeFlags(argv, ['partition', 'offset']);
    const partition = wholeNumber('--partition', own.partition);
    const offset = own.offset === undefined ? undefined : wholeNumber('--offset', own.offset);
    const config = readConfig(rest);
    if (config === undefined) return 2;
    const logger = createLogger({ service: 'log', level: 'error' });
    const { processIo } = await import('./process-io.ts');
    const io = processIo('log', config, logger);
    const modules = words[1] === 'accept-loss' ? [io.database, io.log, io.redis] : [io.database, io.log];
    try {
      for (const module of modules) await module.start(AbortSignal.timeout(DATABASE_WITHIN_MS));
      const away = io.log.notReady?.();
      if (away !== undefined) throw new Error(`the write log is away: ${away}`);
      const blocks = new SqlBlockStore(io.db());
      const holdersOf = (startOffset: number) => liveHolders(io.cluster().owners, partition, startOffset);
      process.stdout.write(
        await execute(words, { blocks, log: io.writeLog(), holdersOf }, partition, offset),
      );
    } finally {
      for (const module of modules) await module.stop?.();
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function execute(
  words: readonly string[],
  parts: LossParts,
  partition: number,
  offset: number | undefined,
): Promise<string> {
  const { blocks, log } = parts;
  if (partition >= log.partitionCount) throw new UsageError(`there are ${log.partitionCount} partitions`);
  switch (words[1]) {
    case 'skip': {
      if (offset === undefined) throw new UsageError('--offset is missing');
      const end = await log.endOffset(partition);
      if (offset >= end) throw new UsageError(`partition ${partition} ends at offset ${end}`);
      await blocks.skipRecord(partition, offset);
      return `record ${offset} of partition ${partition} is taken out; restart the ingesters of the partition\n`;
    }
    case 'accept-loss':
      return acceptLoss(parts, partition);
    default:
      throw new UsageError(`usage:\n${LOG_COMMANDS.map((line) => `  xscaler ${line}`).join('\n')}`);
  }
}

/** What `acceptLoss` works on. */
export interface LossParts {
  readonly blocks: BlockStore;
  readonly log: WriteLog;
  /** Names of the ingesters whose heads still have what the log has dropped below `startOffset`. */
  readonly holdersOf: (startOffset: number) => Promise<readonly string[]>;
}

/**
 * Moves the resume offset to where the log begins, if that lies above it or the log is another one, which ends below it.
 * While an ingester of another zone is live nothing is lost yet: its heads have what the log has dropped, and moving
 * the offset would make the restarted one store other blocks of the same heads.
 * @throws Error naming who still holds the records
 */
export async function acceptLoss({ blocks, log, holdersOf }: LossParts, partition: number): Promise<string> {
  const resumeOffset = await blocks.resumeOffset(partition);
  const startOffset = await log.startOffset(partition);
  const endOffset = await log.endOffset(partition);
  if (resumeOffset >= startOffset && resumeOffset <= endOffset) {
    return `partition ${partition}: nothing is missing, the log holds offsets ${startOffset} to ${endOffset} and resumes at ${resumeOffset}\n`;
  }
  const holders = await holdersOf(startOffset);
  if (holders.length > 0) {
    throw new Error(
      `partition ${partition}: nothing is lost yet: ${holders.join(', ')} still holds what the log has dropped and stores it when its heads are due; then restart the ingesters that stopped. To give it up all the same stop ${holders.join(', ')} first`,
    );
  }
  // The offsets of a log that was made anew mean other records than those in the ledger: it must not skip any by them.
  if (resumeOffset > endOffset) await blocks.pruneLedger(partition, Number.MAX_SAFE_INTEGER);
  await blocks.commit({
    meta: undefined,
    partCount: 0,
    partition,
    expectedResumeOffset: resumeOffset,
    resumeOffset: startOffset,
    metadata: [],
  });
  const lost =
    resumeOffset < startOffset
      ? `records ${resumeOffset} to ${startOffset - 1} are lost`
      : 'the log is another one';
  return `partition ${partition}: ${lost}; it resumes at ${startOffset}; restart its ingesters\n`;
}

function wholeNumber(flag: string, text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} must be a whole number`);
  return Number(text);
}

/** A live ingester has everything from the resume offset on, in heads or blocks, whatever the log has dropped since. */
async function liveHolders(owners: OwnerRegistry, partition: number, startOffset: number): Promise<string[]> {
  const { byPartition, ageMs } = await owners.owners(0);
  if (!Number.isFinite(ageMs)) {
    throw new Error('Redis is away: whether an ingester still holds what the log has dropped is not known');
  }
  return (byPartition.get(partition) ?? [])
    .filter(({ state, appliedOffset }) => state === 'live' && appliedOffset >= startOffset)
    .map(({ instanceId }) => instanceId);
}
