import type { LogMark } from '@xscaler/database';

const TAIL_BYTES = 4;

/** The last record that was read, as two numbers, so that no record costs an allocation. */
export class RecordMark {
  #offset = -1;
  #length = 0;
  #tail = 0;

  note(offset: number, record: Uint8Array): void {
    this.#offset = offset;
    this.#length = record.length;
    this.#tail = tailOf(record);
  }

  /** Undefined before the first record. */
  get mark(): LogMark | undefined {
    if (this.#offset < 0) return undefined;
    return { offset: this.#offset, fingerprint: fingerprint(this.#length, this.#tail) };
  }
}

/** Distinguishes records: the length and the last bytes, which are the CRC-32. */
export function fingerprintOf(record: Uint8Array): string {
  return fingerprint(record.length, tailOf(record));
}

function fingerprint(length: number, tail: number): string {
  return `${length}-${(tail >>> 0).toString(16).padStart(2 * TAIL_BYTES, '0')}`;
}

function tailOf(record: Uint8Array): number {
  let tail = 0;
  for (let i = Math.max(0, record.length - TAIL_BYTES); i < record.length; i++)
    tail = (tail << 8) | record[i];
  return tail;
}
