import type { BlockStore } from '@xscaler/database';
import type { WriteLog } from '@xscaler/writelog';
import { judgeLog, type LogVerdict } from './log-verdict.ts';

/** Dependencies of `acceptLoss`. */
export interface LossParts {
  readonly blocks: BlockStore;
  readonly log: WriteLog;
  /** Names of the ingesters whose heads still hold records that the log dropped below `startOffset`. */
  readonly holdersOf: (startOffset: number) => Promise<readonly string[]>;
}

/**
 * Makes a partition continue at the beginning of its log if the log dropped records that no block holds, was replaced, or
 * was cut short. Every record that the log still holds is read.
 *
 * Refused while an ingester of another zone still holds the dropped records: nothing is lost yet, and moving the offset
 * would make the restarted ingester store different blocks for the same heads.
 * @returns what to tell the operator
 * @throws Error naming the ingesters that still hold the records
 */
export async function acceptLoss({ blocks, log, holdersOf }: LossParts, partition: number): Promise<string> {
  const progress = await blocks.progress(partition);
  const { resumeOffset, history, mark } = progress;
  const verdict = await judgeLog(log, partition, progress);
  const { kind, identity, startOffset, endOffset } = verdict;
  if (kind === 'same') {
    return `partition ${partition}: nothing is missing, the log holds offsets ${startOffset} to ${endOffset} and resumes at ${resumeOffset}\n`;
  }
  const holders = await holdersOf(kind === 'dropped' ? startOffset : 0);
  if (holders.length > 0) throw new Error(`partition ${partition}: ${holdersText(kind, holders)}`);
  const expected = { partition, expectedResumeOffset: resumeOffset, expectedCommit: history.last };
  if (kind === 'dropped') {
    const place = { meta: undefined, partCount: 0, metadata: [], log: { identity, mark: undefined } };
    await blocks.commit({ ...expected, ...place, resumeOffset: startOffset });
  } else {
    await blocks.replaceLog({ ...expected, identity, startOffset, partitionCount: log.partitionCount });
  }
  const readOffset = mark === undefined ? resumeOffset : Math.max(resumeOffset, mark.offset + 1);
  const lost = lossOf(verdict, resumeOffset, readOffset);
  return `partition ${partition}: ${lost}; it resumes at ${startOffset}; restart its ingesters\n`;
}

function holdersText(kind: LogVerdict['kind'], holders: readonly string[]): string {
  const names = holders.join(', ');
  if (kind === 'dropped') {
    return `nothing is lost yet: ${names} still holds what the log has dropped and stores it when its heads are due; then restart the ingesters that stopped. To give it up all the same stop ${names} first`;
  }
  return `${names} still holds records of the former log; to give up those that no block has, stop ${names} first`;
}

/** `readOffset`: the records below it had been read. */
function lossOf({ kind, reason, startOffset }: LogVerdict, resumeOffset: number, readOffset: number): string {
  if (kind === 'dropped') return `records ${resumeOffset} to ${startOffset - 1} are lost`;
  const count = readOffset - resumeOffset;
  const known = count > 0 ? `${count} that had been read` : 'none that had been read';
  if (kind === 'replaced') {
    return `the log is another one: of the old one what no block has is lost, from offset ${resumeOffset} on (${known}, and what nobody had read)`;
  }
  return `${reason}; what no block has is lost (${known} at most, and what nobody had read), and what the log holds is read again`;
}
