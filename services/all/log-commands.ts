import type { OwnerRegistry } from '@xscaler/cluster';
import { type BlockStore, SqlBlockStore } from '@xscaler/database';
import { createLogger } from '@xscaler/runtime';
import { PlacementStore } from '@xscaler/tenancy';
import type { WriteLog } from '@xscaler/writelog';
import type { KafkaLog } from '@xscaler/writelog/kafka';
import type { Config } from './config.ts';
import { OPERATOR } from './operator.ts';
import { takeFlags } from './own-flags.ts';
import { changePartitions, describePartitions } from './partition-commands.ts';
import type { ProcessIo } from './process-io.ts';

export const LOG_COMMANDS: readonly string[] = [
  'log partitions [N]                    (how many writers use; makes them use N, more or fewer)',
  'log skip --partition P --offset O     (take out a record that cannot be read)',
  'log accept-loss --partition P         (go on where the log begins, records are missing)',
];

class UsageError extends Error {}

const ONE_MACHINE =
  "log commands are for a cluster, and database.url is not set: give it the services' settings. " +
  'On one machine write_log.partitions counts, at each start';

/** How long PostgreSQL may take to be there. */
const DATABASE_WITHIN_MS = 30_000;

/** One command, understood. */
interface LogCommand {
  readonly needsRedis: boolean;
  /** What it prints. */
  readonly run: (io: ProcessIo) => Promise<string>;
}

/**
 * What an operator does about the log's partitions, on the cluster's Kafka and PostgreSQL. One that is stopped goes on after a
 * restart of its ingesters; their number changes without one.
 * @returns the process' exit code
 */
export async function runLogCommand(
  words: readonly string[],
  argv: readonly string[],
  readConfig: (argv: readonly string[]) => Config | undefined,
): Promise<number> {
  try {
    const { own, rest } = takeFlags(argv, ['partition', 'offset']);
    const command = commandOf(words, own);
    const config = readConfig(rest);
    if (config === undefined) return 2;
    if (config.database.url === '') throw new UsageError(ONE_MACHINE);
    const logger = createLogger({ service: 'log', level: 'error' });
    const { processIo } = await import('./process-io.ts');
    const io = processIo('log', config, logger);
    const modules = command.needsRedis ? [io.database, io.log, io.redis] : [io.database, io.log];
    try {
      for (const module of modules) await module.start(AbortSignal.timeout(DATABASE_WITHIN_MS));
      const away = io.log.notReady?.();
      if (away !== undefined) throw new Error(`the write log is away: ${away}`);
      process.stdout.write(await command.run(io));
    } finally {
      for (const module of modules) await module.stop?.();
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** @throws UsageError */
function commandOf(
  words: readonly string[],
  own: Partial<Record<'partition' | 'offset', string>>,
): LogCommand {
  switch (words[1]) {
    case 'partitions': {
      if (words[2] === undefined)
        return { needsRedis: false, run: (io) => describePartitions(new PlacementStore(io.db())) };
      const count = wholeNumber('N', words[2]);
      return { needsRedis: true, run: (io) => changePartitions(placementParts(io), count, OPERATOR) };
    }
    case 'skip': {
      const partition = wholeNumber('--partition', own.partition);
      const offset = wholeNumber('--offset', own.offset);
      return { needsRedis: false, run: (io) => skip(io, partition, offset) };
    }
    case 'accept-loss': {
      const partition = wholeNumber('--partition', own.partition);
      return { needsRedis: true, run: (io) => acceptLoss(lossParts(io, partition), partition) };
    }
    default:
      throw new UsageError(`usage:\n${LOG_COMMANDS.map((line) => `  xscaler ${line}`).join('\n')}`);
  }
}

function placementParts(io: ProcessIo) {
  const { owners } = io.cluster();
  return { store: new PlacementStore(io.db()), log: io.kafkaLog() as KafkaLog, owners };
}

async function skip(io: ProcessIo, partition: number, offset: number): Promise<string> {
  const log = checked(io, partition);
  const end = await log.endOffset(partition);
  if (offset >= end) throw new UsageError(`partition ${partition} ends at offset ${end}`);
  await new SqlBlockStore(io.db()).skipRecord(partition, offset);
  return `record ${offset} of partition ${partition} is taken out; restart the ingesters of the partition\n`;
}

function lossParts(io: ProcessIo, partition: number): LossParts {
  return {
    blocks: new SqlBlockStore(io.db()),
    log: checked(io, partition),
    holdersOf: (startOffset) => liveHolders(io.cluster().owners, partition, startOffset),
  };
}

/** The log, which has the partition. @throws UsageError */
function checked(io: ProcessIo, partition: number): WriteLog {
  const log = io.writeLog();
  if (partition >= log.partitionCount) throw new UsageError(`there are ${log.partitionCount} partitions`);
  return log;
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
