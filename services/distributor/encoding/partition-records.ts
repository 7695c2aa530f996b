import { LogRecordWriter, RECORD_SPLIT_BYTES } from '@xscaler/wire/log-record';
import type { Undoable, UndoLog } from '../series/undo-log.ts';
import type { EncoderScratch } from './encoder-scratch.ts';
import type { OpenPush } from './open-push.ts';

/** A record is split inside a group (a classic histogram) only if it would grow beyond this. */
export const RECORD_MAX_BYTES = 4 * 1024 * 1024;

/** The series of a data point, stored whole or not at all, are limited to this much of a record. */
const WHOLE_MAX_BYTES = RECORD_MAX_BYTES - RECORD_SPLIT_BYTES;

/** A finished record, alone in its buffer, and its partition. */
export interface PartitionRecord {
  readonly partition: number;
  readonly record: Uint8Array<ArrayBuffer>;
}

/** The records of one request: one per partition, or more if they would grow large. */
export class PartitionRecords implements Undoable {
  /** Whether the series to be stored whole need more room than a record has: they must be undone. */
  isOverfull = false;
  readonly #writers: LogRecordWriter[];
  readonly #undo: UndoLog;
  readonly #tenant: string;
  readonly #windowMs: number;
  readonly #keepsAllExemplars: boolean;
  /** By partition: whether its writer holds a record of this request. */
  readonly #begun: boolean[];
  /** By partition: the group written last. */
  readonly #lastGroups: number[];
  /** By partition: the last span of the undo log that its record has series of, and the record's size before. */
  readonly #spans: number[];
  readonly #bytesBefore: number[];
  readonly #records: PartitionRecord[] = [];

  constructor(push: OpenPush, windowMs: number, partitionCount: number, { writers, undo }: EncoderScratch) {
    this.#writers = writers;
    this.#undo = undo;
    this.#tenant = push.tenantId;
    this.#windowMs = windowMs;
    this.#keepsAllExemplars = push.keepsAllExemplars;
    while (writers.length < partitionCount) writers.push(new LogRecordWriter());
    this.#begun = new Array<boolean>(partitionCount).fill(false);
    this.#lastGroups = new Array<number>(partitionCount).fill(0);
    this.#spans = new Array<number>(partitionCount).fill(0);
    this.#bytesBefore = new Array<number>(partitionCount).fill(0);
  }

  /**
   * The partition's writer, with room for `wantedBytes`, at most 4 MB. A record that would exceed `RECORD_SPLIT_BYTES` is split, unless
   * it has the beginning of the same group. While the undo log is open a partition's series stay in one record.
   */
  withRoom(partition: number, group: number, wantedBytes: number): LogRecordWriter {
    const writer = this.#writers[partition];
    const { isOpen, span } = this.#undo;
    if (!this.#begun[partition]) {
      this.#begun[partition] = true;
      this.#reset(writer);
    } else if (isOpen) {
      if (this.#spans[partition] !== span) this.#splitAt(RECORD_SPLIT_BYTES, partition, wantedBytes);
    } else if (writer.byteLength + wantedBytes > RECORD_SPLIT_BYTES) {
      this.#split(partition, group, wantedBytes);
    }
    this.#lastGroups[partition] = group;
    if (isOpen) this.#noteWhole(partition, span, wantedBytes);
    return writer;
  }

  /** Removes what the open span has added to the partition's record. */
  undo(partition: number): void {
    this.#writers[partition].rewind();
    this.isOverfull = false;
  }

  #noteWhole(partition: number, span: number, wantedBytes: number): void {
    const writer = this.#writers[partition];
    if (this.#spans[partition] !== span) {
      this.#spans[partition] = span;
      this.#bytesBefore[partition] = writer.byteLength;
      writer.mark();
      this.#undo.note(this, partition);
    }
    const bytes = writer.byteLength + wantedBytes - this.#bytesBefore[partition];
    this.isOverfull ||= bytes > WHOLE_MAX_BYTES;
  }

  #split(partition: number, group: number, wantedBytes: number): void {
    const sameGroup = this.#lastGroups[partition] === group;
    this.#splitAt(sameGroup ? RECORD_MAX_BYTES : RECORD_SPLIT_BYTES, partition, wantedBytes);
  }

  /** Begins a new record if the current one would grow beyond `maxBytes`. */
  #splitAt(maxBytes: number, partition: number, wantedBytes: number): void {
    const writer = this.#writers[partition];
    if (writer.byteLength + wantedBytes <= maxBytes) return;
    this.#finish(partition);
    this.#reset(writer);
  }

  #reset(writer: LogRecordWriter): void {
    writer.reset(this.#tenant, this.#windowMs, this.#keepsAllExemplars);
  }

  /** All records of the request. */
  take(): PartitionRecord[] {
    for (let partition = 0; partition < this.#begun.length; partition++) {
      if (this.#begun[partition]) this.#finish(partition);
    }
    return this.#records;
  }

  #finish(partition: number): void {
    const writer = this.#writers[partition];
    if (!writer.isEmpty) this.#records.push({ partition, record: writer.finish() });
  }
}
