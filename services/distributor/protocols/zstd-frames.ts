const FRAME_MAGIC = 0xfd2fb528;
/** The lowest four bits are the writer's. */
const SKIPPABLE_MAGIC = 0x184d2a50;
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const CONTENT_SIZE_BYTES = [0, 2, 4, 8];
const RLE_BLOCK = 1;
const RESERVED_BLOCK = 3;

/** Senders write one; each is expanded by itself. */
const MAX_FRAMES = 64;

/**
 * Splits bytes into Zstandard frames (RFC 8878, 3.1), without skippable ones; undefined if a frame is incomplete or there are too many.
 * Node's decompressor expands the first frame alone, returns the beginning of one that is cut off, without an error. What is
 * in the blocks is not looked at.
 */
export function zstdFrames(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const frames: Uint8Array[] = [];
  let at = 0;
  for (let count = 0; at < bytes.length; count++) {
    const end = frameEnd(view, at);
    if (end < 0 || end > bytes.length || count === MAX_FRAMES) return undefined;
    if (view.getUint32(at, true) === FRAME_MAGIC) frames.push(bytes.subarray(at, end));
    at = end;
  }
  return bytes.length > 0 ? frames : undefined;
}

/** Where the frame at `at` ends; −1 if it isn't one, or begins and doesn't end. */
function frameEnd(view: DataView, at: number): number {
  if (at + 8 > view.byteLength) return -1;
  const magic = view.getUint32(at, true);
  if ((magic & ~0xf) >>> 0 === SKIPPABLE_MAGIC) return at + 8 + view.getUint32(at + 4, true);
  if (magic !== FRAME_MAGIC) return -1;
  const descriptor = view.getUint8(at + 4);
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 && isSingleSegment ? 1 : CONTENT_SIZE_BYTES[sizeFlag];
  const headerBytes = (isSingleSegment ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3] + sizeBytes;
  const end = blocksEnd(view, at + 5 + headerBytes);
  const hasChecksum = (descriptor & 4) !== 0;
  return end < 0 || !hasChecksum ? end : end + 4;
}

function blocksEnd(view: DataView, first: number): number {
  let at = first;
  while (at + 3 <= view.byteLength) {
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const type = (header >>> 1) & 3;
    if (type === RESERVED_BLOCK) return -1;
    at += 3 + (type === RLE_BLOCK ? 1 : header >>> 3);
    if ((header & 1) !== 0) return at;
  }
  return -1;
}
