import type { OwnerRegistry } from '@xscaler/cluster';
import { SqlBlockStore } from '@xscaler/database';
import { acceptLoss, type LossParts } from '@xscaler/ingester';
import { createLogger } from '@xscaler/runtime';
import { PlacementStore } from '@xscaler/tenancy';
import type { WriteLog } from '@xscaler/writelog';
import type { KafkaLog } from '@xscaler/writelog/kafka';
import type { Config } from '../configuration/config.ts';
import { takeFlags } from '../configuration/own-flags.ts';
import type { ProcessIo } from '../wiring/process-io.ts';
import { acceptLossHere } from './accept-loss-here.ts';
import { commandClockFault } from './command-clock.ts';
import { OPERATOR } from './operator.ts';
import { changePartitions, describePartitions } from './partition-commands.ts';

export const LOG_COMMANDS: readonly string[] = [
  'log partitions [N]                    (show or set the number of partitions that writers use)',
  'log skip --partition P --offset O     (skip a record that cannot be read)',
  'log accept-loss --partition P         (continue at the beginning of the log, which lost records or was replaced)',
];

class UsageError extends Error {}

const ONE_MACHINE =
  'log commands need the settings of a cluster: database.url is not set. ' +
  'On one machine write_log.partitions is used at each start';

/** How long PostgreSQL may take to be there. */
const DATABASE_WITHIN_MS = 30_000;

/** One command, understood. */
interface LogCommand {
  readonly needsRedis: boolean;
  /** Whether it may make a topic in the place of one that is gone. */
  readonly mayReplaceLog?: boolean;
  /** What it prints on one machine, whose program is stopped; absent: it is for a cluster alone. */
  readonly onOneMachine?: (config: Config) => Promise<string>;
  /** What it prints. */
  readonly run: (io: ProcessIo, config: Config) => Promise<string>;
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
    if (config.database.url === '') {
      if (command.onOneMachine === undefined) throw new UsageError(ONE_MACHINE);
      process.stdout.write(await command.onOneMachine(config));
      return 0;
    }
    const logger = createLogger({ service: 'log', level: 'error' });
    const { processIo } = await import('../wiring/process-io.ts');
    const mayReplaceLog = command.mayReplaceLog ? () => requireNoHolders(io) : undefined;
    const io: ProcessIo = processIo('log', config, logger, mayReplaceLog);
    const modules = command.needsRedis ? [io.database, io.redis, io.log] : [io.database, io.log];
    try {
      for (const module of modules) await module.start(AbortSignal.timeout(DATABASE_WITHIN_MS));
      const away = io.log.notReady?.();
      if (away !== undefined) throw new Error(`the write log is unreachable: ${away}`);
      process.stdout.write(await command.run(io, config));
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
      return { needsRedis: true, run: (io, config) => changeCount(io, config, count) };
    }
    case 'skip': {
      const partition = wholeNumber('--partition', own.partition);
      const offset = wholeNumber('--offset', own.offset);
      return { needsRedis: false, run: (io) => skip(io, partition, offset) };
    }
    case 'accept-loss': {
      const partition = wholeNumber('--partition', own.partition);
      return {
        needsRedis: true,
        mayReplaceLog: true,
        run: (io) => acceptLoss(lossParts(io, partition), partition),
        onOneMachine: (config) => acceptLossHere(config, partition),
      };
    }
    default:
      throw new UsageError(`usage:\n${LOG_COMMANDS.map((line) => `  xscaler ${line}`).join('\n')}`);
  }
}

/** @throws UsageError */
async function changeCount(io: ProcessIo, config: Config, count: number): Promise<string> {
  const fault = await commandClockFault(io.db(), config.cluster.max_clock_skew);
  if (fault !== undefined) throw new UsageError(`nothing was changed: ${fault}`);
  return changePartitions(placementParts(io), count, OPERATOR);
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
  return `record ${offset} of partition ${partition} is skipped; restart the partition's ingesters\n`;
}

/** The log, which has the partition. @throws UsageError */
function checked(io: ProcessIo, partition: number): WriteLog {
  const log = io.writeLog();
  if (partition >= log.partitionCount) throw new UsageError(`there are ${log.partitionCount} partitions`);
  return log;
}

function wholeNumber(flag: string, text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw new UsageError(`${flag} must be a whole number`);
  return Number(text);
}

function lossParts(io: ProcessIo, partition: number): LossParts {
  return {
    blocks: new SqlBlockStore(io.db()),
    log: checked(io, partition),
    holdersOf: async (startOffset) =>
      (await liveHolders(io.cluster().owners, startOffset)).get(partition) ?? [],
  };
}

/** @throws Error naming the ingesters that still hold what was in a topic that is gone */
async function requireNoHolders(io: ProcessIo): Promise<void> {
  const holders = [...new Set([...(await liveHolders(io.cluster().owners, 0)).values()].flat())].sort();
  if (holders.length === 0) return;
  throw new Error(
    `the topic is gone, and ${holders.join(', ')} still holds records that were in it and are in no block; to give them up, stop ${holders.join(', ')} first`,
  );
}

/**
 * By partition the ingesters that are live. Each has everything from the resume offset on, in heads or blocks, whatever the log
 * has dropped below `startOffset` since.
 */
async function liveHolders(owners: OwnerRegistry, startOffset: number): Promise<Map<number, string[]>> {
  const { byPartition, ageMs } = await owners.owners(0);
  if (!Number.isFinite(ageMs)) {
    throw new Error('Redis is unreachable: an ingester may still hold records that the log has dropped');
  }
  const holders = new Map<number, string[]>();
  for (const [partition, members] of byPartition) {
    const live = members.filter(
      ({ state, appliedOffset }) => state === 'live' && appliedOffset >= startOffset,
    );
    if (live.length > 0)
      holders.set(
        partition,
        live.map(({ instanceId }) => instanceId),
      );
  }
  return holders;
}
