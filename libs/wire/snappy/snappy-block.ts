import { DecodeError } from '@xscaler/encoding';
import snappy from 'snappy';

/** A body that declares more bytes than its receiver takes. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError';
  readonly declaredBytes: number;
  readonly maxBytes: number;

  constructor(declaredBytes: number, maxBytes: number) {
    super(`expands to ${declaredBytes} bytes, at most ${maxBytes} are accepted`);
    this.declaredBytes = declaredBytes;
    this.maxBytes = maxBytes;
  }
}

/**
 * Expands a snappy block (not the framed format), which begins with its expanded length as a 32-bit
 * LEB128 varint: that is looked at before anything is allocated.
 *
 * @throws TooLargeError if it declares more than `maxBytes`
 * @throws DecodeError if it isn't a snappy block
 */
export function expandSnappy(block: Uint8Array, maxBytes: number): Buffer {
  expandedLength(block, maxBytes);
  try {
    // Without copyOutputData the output is external memory, fresh pages at every call: 15 × dearer.
    return snappy.uncompressSync(block as Buffer, { copyOutputData: true }) as Buffer;
  } catch (error) {
    throw new DecodeError('not a snappy block', { cause: error });
  }
}

/** Compresses into a snappy block, as remote write bodies are. */
export function packSnappy(bytes: Uint8Array): Buffer {
  return snappy.compressSync(bytes as Buffer, { copyOutputData: true });
}

/** What a block declares that it expands to. @throws TooLargeError above `maxBytes`; DecodeError if it can't be true */
export function expandedLength(block: Uint8Array, maxBytes: number): number {
  const declared = declaredLength(block);
  if (declared > maxBytes) throw new TooLargeError(declared, maxBytes);
  // A 3-byte copy of 64 bytes is what expands most.
  if (declared > block.length * 22) {
    throw new DecodeError(`a snappy block of ${block.length} bytes that declares ${declared}`);
  }
  return declared;
}

function declaredLength(block: Uint8Array): number {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i++) {
    length += (block[i] & 0x7f) * 2 ** (7 * i);
    if (block[i] < 0x80) {
      if (length > 0xffffffff) break;
      return length;
    }
  }
  throw new DecodeError('not a snappy block');
}
