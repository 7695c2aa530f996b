import { MAX_RECORD_BYTES, WriteLogError } from './write-log.ts';

/** What every half asks of a record before it takes it. */
export function checkRecord(record: Uint8Array): void {
  if (record.buffer instanceof ArrayBuffer && record.buffer.detached) {
    throw new TypeError('the record has already been appended or transferred');
  }
  if (record.length > MAX_RECORD_BYTES) {
    throw new WriteLogError(
      'record_too_large',
      `a record of ${record.length} bytes exceeds ${MAX_RECORD_BYTES}`,
    );
  }
}
