import { ContentHash } from '@xscaler/encoding';
import { LabelSetParser } from '@xscaler/wire/labels';
import type { LogRecordWriter } from '@xscaler/wire/log-record';
import { UndoLog } from '../series/undo-log.ts';
import { StoredLabels } from './stored-labels.ts';

/** Bound on the label sets kept of series that are stored with other labels than received, bytes a process. */
const STORED_LABELS_BYTES = 64 * 1024 * 1024;

/** Memory that requests are encoded in, one after another. */
export class EncoderScratch {
  readonly hash: ContentHash;
  readonly parser = new LabelSetParser();
  readonly storedLabels = new StoredLabels(STORED_LABELS_BYTES);
  /** By partition. */
  readonly writers: LogRecordWriter[] = [];
  /** The changes of the data point being encoded. */
  readonly undo = new UndoLog();

  constructor(seed: Uint32Array) {
    this.hash = new ContentHash(seed);
  }
}
