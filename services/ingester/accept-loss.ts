import type { BlockStore } from '@xscaler/database';
import type { WriteLog } from '@xscaler/writelog';
import { judgeLog, type LogVerdict } from './log-verdict.ts';

/** What `acceptLoss` works on. */
export interface LossParts {
  readonly blocks: BlockStore;
  readonly log: WriteLog;
  /** Names of the ingesters whose heads still have what the log has dropped below `startOffset`. */
  readonly holdersOf: (startOffset: number) => Promise<readonly string[]>;
}

/**
 * Makes a partition go on with what its log holds, if that lacks what no block has: at the beginning of the log if it has
 * dropped records, is another one, or was cut short. Of such a log nothing is passed over.
 *
 * While an ingester of another zone is live nothing is lost yet: its heads have what the log has dropped, and moving
 * the offset would make the restarted one store other blocks of the same heads.
 * @returns what to tell the operator
 * @throws Error naming who still holds the records
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

/** `readOffset`: what lies below it had been read. */
function lossOf({ kind, reason, startOffset }: LogVerdict, resumeOffset: number, readOffset: number): string {
  if (kind === 'dropped') return `records ${resumeOffset} to ${startOffset - 1} are lost`;
  const count = readOffset - resumeOffset;
  const known = count > 0 ? `${count} that had been read` : 'none that had been read';
  if (kind === 'replaced') {
    return `the log is another one: of the old one what no block has is lost, from offset ${resumeOffset} on (${known}, and what nobody had read)`;
  }
  return `${reason}; what no block has is lost (${known} at most, and what nobody had read), and what the log holds is read again`;
}
