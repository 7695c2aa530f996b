import { DecodeError } from '@xscaler/encoding';
import { LogRecordReader } from '@xscaler/wire';
import type { WriteLog } from '@xscaler/writelog';

export interface UnreadableRecord {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Decodes every record of a partition from an offset to the log's end, as a replay would, and returns those whose bytes are
 * damaged. A record of a newer release is not damaged: that throws `UnknownRecordError`.
 */
export async function unreadableRecords(
  log: Pick<WriteLog, 'endOffset' | 'read'>,
  partition: number,
  fromOffset: number,
): Promise<UnreadableRecord[]> {
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
      const reason = damageOfRecord(reader, record);
      if (reason !== undefined) found.push({ offset: firstOffset + i, reason });
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
