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
    await io.database.start();
    try {
      await io.log.start();
      process.stdout.write(
        await execute(words, new SqlBlockStore(io.db()), io.writeLog(), partition, offset),
      );
    } finally {
      await io.log.stop?.();
      await io.database.stop?.();
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function execute(
  words: readonly string[],
  blocks: BlockStore,
  log: WriteLog,
  partition: number,
  offset: number | undefined,
): Promise<string> {
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
      return acceptLoss(blocks, log, partition);
    default:
      throw new UsageError(`usage:\n${LOG_COMMANDS.map((line) => `  xscaler ${line}`).join('\n')}`);
  }
}

/** Moves the resume offset to where the log begins, if that lies above it or the log is another one, which ends below it. */
export async function acceptLoss(blocks: BlockStore, log: WriteLog, partition: number): Promise<string> {
  const resumeOffset = await blocks.resumeOffset(partition);
  const startOffset = await log.startOffset(partition);
  const endOffset = await log.endOffset(partition);
  if (resumeOffset >= startOffset && resumeOffset <= endOffset) {
    return `partition ${partition}: nothing is missing, the log holds offsets ${startOffset} to ${endOffset} and resumes at ${resumeOffset}\n`;
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
