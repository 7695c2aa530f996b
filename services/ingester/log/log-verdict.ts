import { setTimeout as sleep } from 'node:timers/promises';
import type { LogMark, PartitionProgress } from '@xscaler/database';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { fingerprintOf } from './record-mark.ts';

/**
 * How a log relates to a partition's blocks. `same`: they were made from it. `dropped`: it no longer has records that no
 * block holds. `replaced`: it is another log. `cut`: it lost records at its end, and may have received others since.
 */
export interface LogVerdict {
  readonly kind: 'same' | 'dropped' | 'replaced' | 'cut';
  /** For operators; undefined if the log is the same. */
  readonly reason: string | undefined;
  /** Identity of the present log. */
  readonly identity: string;
  readonly startOffset: number;
  readonly endOffset: number;
}

export type JudgedLog = Pick<WriteLog, 'identity' | 'startOffset' | 'endOffset' | 'read'>;
type KnownProgress = Pick<PartitionProgress, 'resumeOffset' | 'logIdentity' | 'mark'>;

/** A leader that was replaced may name an older end until it finds out. */
const END_TRIES = 5;
const END_RETRY_MS = 1_000;
const READ_TIMEOUT_MS = 10_000;

/** Compares a partition's log with the database's record of it. Rejects with `WriteLogError` if the log cannot be asked. */
export async function judgeLog(
  log: JudgedLog,
  partition: number,
  progress: KnownProgress,
): Promise<LogVerdict> {
  const { resumeOffset, logIdentity, mark } = progress;
  const identity = await log.identity();
  const startOffset = await log.startOffset(partition);
  const endOffset = await endOf(log, partition, progress);
  const verdict = (kind: LogVerdict['kind'], reason?: string): LogVerdict => ({
    kind,
    reason: reason === undefined ? undefined : `partition ${partition}: ${reason}`,
    identity,
    startOffset,
    endOffset,
  });
  if (logIdentity !== undefined && identity !== logIdentity) {
    const reason = `its identity is ${identity}, not ${logIdentity}`;
    return verdict('replaced', `the log is not the one that blocks were created from: ${reason}`);
  }
  if (resumeOffset > endOffset) {
    const reason = 'it is not the log that blocks were created from';
    return verdict(
      'cut',
      `the log ends at offset ${endOffset}, below the resume offset ${resumeOffset}: ${reason}`,
    );
  }
  if (mark !== undefined && mark.offset >= endOffset) {
    const reason = `the record at ${mark.offset} had been read: the log has lost records`;
    return verdict('cut', `the log ends at offset ${endOffset}, and ${reason}`);
  }
  if (mark !== undefined && mark.offset >= startOffset && !(await hasMark(log, partition, mark))) {
    const reason = 'the log has lost records and got others in their place';
    return verdict(
      'cut',
      `the record at offset ${mark.offset} is not the one that was read before: ${reason}`,
    );
  }
  if (resumeOffset < startOffset) {
    const reason = `above the resume offset ${resumeOffset}: records are missing`;
    return verdict('dropped', `the log starts at offset ${startOffset}, ${reason}`);
  }
  return verdict('same');
}

/** The log's end. An end that is too low for the mark is requested again. */
async function endOf(log: JudgedLog, partition: number, progress: KnownProgress): Promise<number> {
  const { resumeOffset, mark } = progress;
  for (let tries = 1; ; tries++) {
    const endOffset = await log.endOffset(partition);
    const isShort = mark !== undefined && mark.offset >= endOffset && resumeOffset <= endOffset;
    if (!isShort || tries === END_TRIES) return endOffset;
    await sleep(END_RETRY_MS);
  }
}

/** Whether the log still has the record that was read before. */
async function hasMark(log: JudgedLog, partition: number, mark: LogMark): Promise<boolean> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), READ_TIMEOUT_MS);
  try {
    for await (const { records } of log.read(partition, mark.offset, stop.signal)) {
      return fingerprintOf(records[0]) === mark.fingerprint;
    }
  } finally {
    clearTimeout(timer);
  }
  throw new WriteLogError('unavailable', `the record at offset ${mark.offset} could not be read in time`);
}
