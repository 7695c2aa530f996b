import type { BlockStore } from '@xscaler/database';
import { DecodeError } from '@xscaler/encoding';
import { LogRecordReader } from '@xscaler/wire/log-record';
import type { WriteLog } from '@xscaler/writelog';

export interface UnreadableRecord {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Decodes every record of a partition from the offset where a replay begins to the log's end, and returns those whose bytes
 * are damaged and that are not taken out already. A record of a newer release is not damaged: that throws `UnknownRecordError`.
 */
export async function unreadableRecords(
  log: Pick<WriteLog, 'startOffset' | 'endOffset' | 'read'>,
  blocks: Pick<BlockStore, 'resumeOffset' | 'skippedRecords'>,
  partition: number,
): Promise<UnreadableRecord[]> {
  const fromOffset = Math.max(await blocks.resumeOffset(partition), await log.startOffset(partition));
  const skipped = new Set(await blocks.skippedRecords(partition));
  const end = await log.endOffset(partition);
  const found: UnreadableRecord[] = [];
  if (fromOffset >= end) return found;
  const reader = new LogRecordReader();
  for await (const { firstOffset, records } of log.read(
    partition,
    fromOffset,
    new AbortController().signal,
  )) {
    for (const [i, record] of records.entries()) {
      const offset = firstOffset + i;
      const reason = damageOfRecord(reader, record);
      if (reason !== undefined && !skipped.has(offset)) found.push({ offset, reason });
    }
    if (firstOffset + records.length >= end) break;
  }
  return found;
}

function damageOfRecord(reader: LogRecordReader, record: Uint8Array): string | undefined {
  try {
    reader.decode(record);
    return undefined;
  } catch (error) {
    if (error instanceof DecodeError) return error.message;
    throw error;
  }
}
