import { SeriesFrameWriter } from './series-frame.ts';

/** Kept for the next reads: bytes of frames, and writers with the buffers that they have grown. */
const MAX_FREE_BYTES = 8 * 1024 * 1024;
const MAX_WRITERS = 4;
const MAX_WRITER_BYTES = 3 * 1024 * 1024;
/** What is smaller comes from memory that the process has at hand anyway. */
const LEAST_BYTES = 64 * 1024;

/**
 * Memory that frames of series are written in, for one read after the other: it is fresh pages that cost, not the copying. Frames
 * are in shared memory, so that a thread to which one is posted reads it in its place; a caller that knows that nobody
 * reads it any more gives it back.
 */
export class FrameMemory {
  /** The smallest first. */
  readonly #free: SharedArrayBuffer[] = [];
  #freeBytes = 0;
  readonly #writers: SeriesFrameWriter[] = [];

  writer(partition: number, fromOffset: number): SeriesFrameWriter {
    const writer = this.#writers.pop() ?? new SeriesFrameWriter(partition, fromOffset);
    writer.restart(partition, fromOffset);
    return writer;
  }

  /** The writer is not used any more. */
  putBack(writer: SeriesFrameWriter): void {
    if (this.#writers.length < MAX_WRITERS && writer.capacity <= MAX_WRITER_BYTES) this.#writers.push(writer);
  }

  /** This many bytes of any content. */
  readonly lend = (length: number): Uint8Array => {
    if (length < LEAST_BYTES) return new Uint8Array(length);
    const at = this.#free.findIndex(({ byteLength }) => byteLength >= length);
    if (at < 0) return new Uint8Array(new SharedArrayBuffer(2 ** Math.ceil(Math.log2(length))), 0, length);
    const [buffer] = this.#free.splice(at, 1);
    this.#freeBytes -= buffer.byteLength;
    return new Uint8Array(buffer, 0, length);
  };

  /** A frame that nobody reads any more; one that was not lent is nothing to us. */
  giveBack({ buffer }: Uint8Array): void {
    if (!(buffer instanceof SharedArrayBuffer) || this.#free.includes(buffer)) return;
    if (this.#freeBytes + buffer.byteLength > MAX_FREE_BYTES) return;
    this.#freeBytes += buffer.byteLength;
    const larger = this.#free.findIndex(({ byteLength }) => byteLength > buffer.byteLength);
    this.#free.splice(larger < 0 ? this.#free.length : larger, 0, buffer);
  }
}
