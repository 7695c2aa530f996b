import { LogRecordWriter, RECORD_SPLIT_BYTES } from '@xscaler/wire';

/** A record is split inside a group (a classic histogram) only where it would grow beyond this. */
export const RECORD_MAX_BYTES = 4 * 1024 * 1024;

/** A finished record and where it goes; its buffer is its own. */
export interface PartitionRecord {
  readonly partition: number;
  readonly record: Uint8Array<ArrayBuffer>;
}

/** The records of one request: one per partition, more where they would grow large. */
export class PartitionRecords {
  readonly #windowMs: number;
  readonly #writers: LogRecordWriter[] = [];
  /** Whether the partition's writer holds a record of this request. */
  readonly #begun: boolean[] = [];
  /** Group of what each writer got last. */
  readonly #lastGroups: number[] = [];
  #tenant = '';
  #records: PartitionRecord[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** Begins a request with records for partitions below `partitionCount`; what is left of another one is dropped. */
  begin(tenant: string, partitionCount: number): void {
    this.#tenant = tenant;
    this.#begun.fill(false);
    this.#records = [];
    while (this.#writers.length < partitionCount) {
      this.#writers.push(new LogRecordWriter());
      this.#begun.push(false);
      this.#lastGroups.push(0);
    }
  }

  /**
   * The partition's writer, with room for `wantedBytes`, of which nothing may want more than 4 MB: beyond
   * `RECORD_SPLIT_BYTES` in a new record, except where the group's beginning is in the old one.
   */
  withRoom(partition: number, group: number, wantedBytes: number): LogRecordWriter {
    const writer = this.#writers[partition];
    if (!this.#begun[partition]) {
      this.#begun[partition] = true;
      writer.reset(this.#tenant, this.#windowMs);
    } else if (writer.byteLength + wantedBytes > RECORD_SPLIT_BYTES) {
      this.#split(partition, group, wantedBytes);
    }
    this.#lastGroups[partition] = group;
    return writer;
  }

  #split(partition: number, group: number, wantedBytes: number): void {
    const writer = this.#writers[partition];
    const sameGroup = this.#lastGroups[partition] === group;
    if (sameGroup && writer.byteLength + wantedBytes <= RECORD_MAX_BYTES) return;
    this.#finish(partition);
    writer.reset(this.#tenant, this.#windowMs);
  }

  /** All records of the request. */
  take(): PartitionRecord[] {
    for (let partition = 0; partition < this.#begun.length; partition++) {
      if (this.#begun[partition]) this.#finish(partition);
    }
    const records = this.#records;
    this.begin('', 0);
    return records;
  }

  #finish(partition: number): void {
    const writer = this.#writers[partition];
    if (!writer.isEmpty) this.#records.push({ partition, record: writer.finish() });
  }
}
