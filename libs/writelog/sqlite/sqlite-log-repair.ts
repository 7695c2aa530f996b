import { SqliteLogFile } from './sqlite-log-file.ts';

/**
 * Makes a log file that has lost rows consecutive again: from the resume offset of each partition on, every offset that
 * is missing gets an empty record. None can be taken for data; the caller notes them as skipped (`BlockStore.skipRecord`),
 * since a partition stops at the first that is not. Nothing else may have the file open.
 * @throws WriteLogError
 */
export function fillLostRecords(path: string, resumeOffsets: ReadonlyMap<number, number>): void {
  const partitions = Math.max(1, ...[...resumeOffsets.keys()].map((partition) => partition + 1));
  const file = new SqliteLogFile(path, partitions);
  try {
    for (let partition = 0; partition < file.partitionCount; partition++)
      fillPartition(file, partition, resumeOffsets.get(partition) ?? 0);
  } finally {
    file.close();
  }
}

/** Below the resume offset blocks have everything: if anything is missing there, the log starts at it, or even ends there. */
function fillPartition(file: SqliteLogFile, partition: number, resumeOffset: number): void {
  const { start, end: lastEnd } = file.bounds(partition);
  const end = Math.max(lastEnd, resumeOffset);
  const isWholeBelow = file.missing(partition, start, resumeOffset).length === 0;
  const from = isWholeBelow ? start : resumeOffset;
  const offsets = file.missing(partition, Math.max(from, resumeOffset), end);
  file.append(offsets.map((offset) => ({ partition, offset, record: new Uint8Array(0) })));
  if (!isWholeBelow) file.saveBounds(partition, from, end);
}
