/** A reader of one partition: its position, and how it sleeps until there is more. */
export class TailReader {
  /** The offset that it reads next. */
  next: number;
  #wake: (() => void) | undefined;

  constructor(next: number) {
    this.next = next;
  }

  /** Resolves at the next `wake`. */
  sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  wake(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/**
 * The newest records of one partition in memory, so that a reader that keeps up never touches the disk.
 *
 * Records `[#offset, #offset + (length − #head))` are held, at most `maxBytes` of them (but always room for none:
 * a record larger than the bound isn't kept). A record is handed over unchanged to the last reader that needs it and
 * copied for the others, because a reader owns the buffers it gets.
 */
export class LogTail {
  readonly #maxBytes: number;
  readonly #readers = new Set<TailReader>();
  #records: Uint8Array[] = [];
  /** Where the records begin in `#records`: what lies before has been dropped. */
  #head = 0;
  /** Offset of the first record held; the log's end if none is. */
  #offset: number;
  #bytes = 0;

  constructor(endOffset: number, maxBytes: number) {
    this.#offset = endOffset;
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  enter(fromOffset: number): TailReader {
    const reader = new TailReader(fromOffset);
    this.#readers.add(reader);
    return reader;
  }

  leave(reader: TailReader): void {
    this.#readers.delete(reader);
  }

  wakeAll(): void {
    for (const reader of this.#readers) reader.wake();
  }

  /** The log's next record, once it is durable. The tail owns it from here on. */
  push(record: Uint8Array): void {
    this.#records.push(record);
    this.#bytes += record.length;
    while (this.#bytes > this.#maxBytes) this.#drop(1);
  }

  /** Forgets everything; the next record pushed has offset `endOffset`. */
  reset(endOffset: number): void {
    this.#records = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#offset = endOffset;
  }

  /** The records from `reader.next` on, about `maxBytes` of them; undefined if the tail begins later. */
  take(reader: TailReader, maxBytes: number): Uint8Array[] | undefined {
    const skipped = reader.next - this.#offset;
    if (skipped < 0) return undefined;
    const first = this.#head + skipped;
    let end = first;
    for (let bytes = 0; end < this.#records.length && bytes < maxBytes; end++) {
      bytes += this.#records[end].length;
    }
    const taken = this.#records.slice(first, end);
    if (this.#isNeededByOthers(reader, reader.next + taken.length))
      return taken.map((record) => record.slice());
    this.#drop(skipped + taken.length);
    return taken;
  }

  #isNeededByOthers(reader: TailReader, endOffset: number): boolean {
    for (const other of this.#readers) if (other !== reader && other.next < endOffset) return true;
    return false;
  }

  #drop(count: number): void {
    const head = this.#head + count;
    for (let i = this.#head; i < head; i++) this.#bytes -= this.#records[i].length;
    this.#records.fill(EMPTY, this.#head, head);
    this.#offset += count;
    this.#head = head;
    if (head * 2 <= this.#records.length) return;
    this.#records = this.#records.slice(head);
    this.#head = 0;
  }
}

const EMPTY = new Uint8Array(0);
