import zlib from 'node:zlib';
import { type ByteReader, type ByteWriter, DecodeError } from '@xscaler/encoding';
import snappy from 'snappy';
import { expandSnappy } from '../snappy/snappy-block.ts';
import {
  CODEC_NONE,
  CODEC_SNAPPY,
  CODEC_ZSTD,
  MAX_LABEL_SECTION_BYTES,
  UnknownRecordError,
} from './format.ts';

/** Where a record's label section lies, not expanded yet. */
export interface StoredLabels {
  readonly codec: number;
  readonly rawLength: number;
  readonly stored: Uint8Array;
}

/**
 * Compresses label bytes. Snappy, by measurement on label sets of 285 bytes: 0.08 µs a series and 19 bytes;
 * zstd's cheapest useful level (−5) takes 0.25 µs for 12 bytes, level 1 takes 1.4 µs for 4.
 * The log forgets a record within days and blocks hold labels once, so time counts for more than size.
 */
export function storeLabels(raw: Uint8Array): StoredLabels {
  const packed = snappy.compressSync(raw as Buffer, { copyOutputData: true });
  const smaller = packed.length < raw.length;
  return {
    codec: smaller ? CODEC_SNAPPY : CODEC_NONE,
    rawLength: raw.length,
    stored: smaller ? packed : raw,
  };
}

export function writeLabelHeader(labels: StoredLabels, to: ByteWriter): void {
  to.u8(labels.codec);
  to.uvarint(labels.rawLength);
  to.uvarint(labels.stored.length);
}

export function readStoredLabels(from: ByteReader): StoredLabels {
  const codec = from.u8();
  if (codec !== CODEC_NONE && codec !== CODEC_SNAPPY && codec !== CODEC_ZSTD) {
    throw new UnknownRecordError(`label codec ${codec}`);
  }
  const rawLength = from.uvarint();
  if (rawLength > MAX_LABEL_SECTION_BYTES) throw new DecodeError(`a label section of ${rawLength} bytes`);
  return { codec, rawLength, stored: from.raw(from.uvarint()) };
}

/** @throws DecodeError if the bytes don't expand to exactly the length they declare */
export function expandLabels(labels: StoredLabels): Uint8Array {
  const raw = expand(labels);
  if (raw.length !== labels.rawLength) {
    throw new DecodeError(`a label section of ${raw.length} bytes that declares ${labels.rawLength}`);
  }
  return raw;
}

function expand({ codec, rawLength, stored }: StoredLabels): Uint8Array {
  if (codec === CODEC_NONE) return stored;
  try {
    if (codec === CODEC_SNAPPY) return expandSnappy(stored, rawLength);
    // maxOutputLength must not be 0.
    return zlib.zstdDecompressSync(stored, { maxOutputLength: Math.max(1, rawLength) });
  } catch (error) {
    throw new DecodeError('a damaged label section', { cause: error });
  }
}
