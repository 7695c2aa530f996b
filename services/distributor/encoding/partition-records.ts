import { LogRecordWriter, RECORD_SPLIT_BYTES } from '@xscaler/wire/log-record';

/** A record is split inside a group (a classic histogram) only if it would grow beyond this. */
export const RECORD_MAX_BYTES = 4 * 1024 * 1024;

/** What is stored whole or not at all may take this much of a record. */
const WHOLE_MAX_BYTES = RECORD_MAX_BYTES - RECORD_SPLIT_BYTES;

/** A finished record and where it goes; its buffer is its own. */
export interface PartitionRecord {
  readonly partition: number;
  readonly record: Uint8Array<ArrayBuffer>;
}

/** The records of one request: one per partition, more if they would grow large. */
export class PartitionRecords {
  readonly #windowMs: number;
  readonly #writers: LogRecordWriter[] = [];
  /** Whether the partition's writer holds a record of this request. */
  readonly #begun: boolean[] = [];
  /** Group of what each writer got last. */
  readonly #lastGroups: number[] = [];
  #isWhole = false;
  /** Counts what is to be stored whole. */
  #wholes = 0;
  /** Of each writer, the last whole that is in it, and the writer's bytes before that. */
  readonly #markedFor: number[] = [];
  readonly #markedBytes: number[] = [];
  /** Whether what is to be stored whole takes more than there is room for: to be rewound. */
  isOverfull = false;
  #tenant = '';
  #keepsAllExemplars = true;
  #records: PartitionRecord[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /**
   * Begins a request with records for partitions below `partitionCount`; what is left of another one is dropped.
   * `keepsAllExemplars` is as `LogRecordWriter.reset` has it.
   */
  begin(tenant: string, partitionCount: number, keepsAllExemplars: boolean): void {
    this.#tenant = tenant;
    this.#keepsAllExemplars = keepsAllExemplars;
    this.#begun.fill(false);
    this.settle();
    this.#records = [];
    while (this.#writers.length < partitionCount) {
      this.#writers.push(new LogRecordWriter());
      this.#begun.push(false);
      this.#lastGroups.push(0);
      this.#markedFor.push(0);
      this.#markedBytes.push(0);
    }
  }

  /** What is added from here on is stored whole, in one record of each partition, or not at all: until `settle`. */
  mark(): void {
    this.#isWhole = true;
    this.#wholes++;
    this.isOverfull = false;
  }

  settle(): void {
    this.#isWhole = false;
    this.isOverfull = false;
  }

  /** Takes back what was added since `mark`. */
  rewind(): void {
    for (let partition = 0; partition < this.#markedFor.length; partition++) {
      if (this.#markedFor[partition] === this.#wholes) this.#writers[partition].rewind();
    }
    this.settle();
  }

  /**
   * The partition's writer, with room for `wantedBytes`, of which nothing may want more than 4 MB: beyond
   * `RECORD_SPLIT_BYTES` in a new record, except if the group's beginning is in the old one.
   */
  withRoom(partition: number, group: number, wantedBytes: number): LogRecordWriter {
    const writer = this.#writers[partition];
    if (!this.#begun[partition]) {
      this.#begun[partition] = true;
      writer.reset(this.#tenant, this.#windowMs, this.#keepsAllExemplars);
    } else if (this.#isWhole) {
      if (this.#markedFor[partition] !== this.#wholes)
        this.#splitAt(RECORD_SPLIT_BYTES, partition, wantedBytes);
    } else if (writer.byteLength + wantedBytes > RECORD_SPLIT_BYTES) {
      this.#split(partition, group, wantedBytes);
    }
    this.#lastGroups[partition] = group;
    if (this.#isWhole) this.#markWriter(partition, wantedBytes);
    return writer;
  }

  #markWriter(partition: number, wantedBytes: number): void {
    const writer = this.#writers[partition];
    if (this.#markedFor[partition] !== this.#wholes) {
      this.#markedFor[partition] = this.#wholes;
      this.#markedBytes[partition] = writer.byteLength;
      writer.mark();
    }
    const bytes = writer.byteLength + wantedBytes - this.#markedBytes[partition];
    this.isOverfull ||= bytes > WHOLE_MAX_BYTES;
  }

  #split(partition: number, group: number, wantedBytes: number): void {
    const sameGroup = this.#lastGroups[partition] === group;
    this.#splitAt(sameGroup ? RECORD_MAX_BYTES : RECORD_SPLIT_BYTES, partition, wantedBytes);
  }

  /** Begins a new record if the one there is would grow beyond `maxBytes`. */
  #splitAt(maxBytes: number, partition: number, wantedBytes: number): void {
    const writer = this.#writers[partition];
    if (writer.byteLength + wantedBytes <= maxBytes) return;
    this.#finish(partition);
    writer.reset(this.#tenant, this.#windowMs, this.#keepsAllExemplars);
  }

  /** All records of the request. */
  take(): PartitionRecord[] {
    for (let partition = 0; partition < this.#begun.length; partition++) {
      if (this.#begun[partition]) this.#finish(partition);
    }
    const records = this.#records;
    this.begin('', 0, true);
    return records;
  }

  #finish(partition: number): void {
    const writer = this.#writers[partition];
    if (!writer.isEmpty) this.#records.push({ partition, record: writer.finish() });
  }
}
