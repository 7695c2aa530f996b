import type { HistogramFields } from '@xscaler/encoding';
import type { Exemplar } from '@xscaler/model';

/**
 * The log record, versions 1 to 3: what a distributor appends to a partition of the write log.
 *
 *     record     = version:u8 kind:u8 body crc:u32
 *     body       = samples | cut | deletion
 *
 *     cut        = tenant:string windowStartMs:varint windowMs:uvarint seq:uvarint zone:string
 *
 *     deletion   = tenant:string deletionId:string requestedMs:varint startMs:varint endMs:varint
 *                  setCount:uvarint set[setCount]         at least one
 *     set        = count:uvarint (type:u8 name:string value:string)[count]      type: 0 =, 1 !=, 2 =~, 3 !~
 *
 *     samples    = tenant:string windowMs:uvarint flags:u8 seriesCount:uvarint sampleCount:uvarint
 *                  id[seriesCount]                        16 bytes each
 *                  count:uvarint[seriesCount]             only if flags & 1; else every series has one sample
 *                  timestampMs:varint[sampleCount]        each the difference from the sample before it, the first from 0
 *                  value[sampleCount]                     8 bytes each: low word, high word
 *                  labels section*
 *
 *     labels     = codec:u8 rawLength:uvarint storedLength:uvarint stored:byte[storedLength]
 *                  expanded: (length:uvarint labelSet:byte[length])[seriesCount], in the order of the ids
 *     labelSet   = (0x0a length label)*                   protobuf, as in a remote-write `TimeSeries`
 *     label      = 0x0a length name 0x12 length value     names ascending by bytes, distinct; values not empty
 *     codec      = 0 none | 1 snappy block | 2 zstd frame
 *
 *     section    = tag:u8 length:uvarint content:byte[length]     absent when empty, tags ascending
 *     tag 1      = exemplars: count:uvarint
 *                  (series:uvarint timestampMs:varint value:8 bytes pairs:uvarint (name:string value:string)*)*
 *     tag 2      = metadata: count:uvarint (metric:string type:u8 help:string unit:string)*
 *     tag 3      = histograms, from version 2 on: count:uvarint histogram[count]
 *     histogram  = gap:uvarint                            samples between this one and the histogram before
 *                  layoutLength:uvarint layout            length 0: the layout of the histogram before
 *                  countsLength:uvarint counts
 *     tag 4      = start timestamps, from version 2 on: (head:uvarint startMs:varint)*
 *                  head = run × 2 + 1: the next `run` samples have this start timestamp (a difference from the one
 *                  before, the first from 0); head = run × 2, without `startMs`: they have none, nor have those behind
 *                  the last run
 *     tag 5      = exemplars that heads keep all of, from version 3 on: as tag 1 has them; a record has one of the two
 *
 * A native histogram is a sample whose value is its sum; the rest of it, `layout` and `counts`, is as
 * `histogram-bytes.ts` of `@xscaler/encoding` has it.
 * Version 2 is version 1 with the tags 3 and 4, version 3 is version 2 with the tag 5: of a series' exemplars with tag 1 a
 * head keeps the ten youngest, as the releases do that read no more than version 2. Writers give a record the lowest version that its sections allow:
 * a reader of a lower version goes on reading what it understands, and refuses the rest by its first byte.
 * `uvarint`, `varint` and `string` are those of `ByteWriter`; all numbers are little-endian.
 * `crc` is the CRC-32 (of zlib) of everything before it: a log without checksums of its own must not
 * turn a flipped bit into a sample.
 * A reader refuses versions, kinds, codecs and tags that it doesn't know (`UnknownRecordError`): what it
 * can't read it can't apply, and skipping it in silence would make two replicas differ.
 */
export const RECORD_VERSION = 1;
/** What every reader reads. */
export const LOWEST_RECORD_VERSION = RECORD_VERSION;
/** Of records with native histograms or start timestamps. */
export const RECORD_VERSION_2 = 2;
/** Of records with exemplars that heads keep all of. */
export const RECORD_VERSION_3 = 3;
/** What a reader of this program reads: ingesters tell it to those who would write more. */
export const HIGHEST_RECORD_VERSION = RECORD_VERSION_3;
export const KIND_SAMPLES = 1;
export const KIND_CUT = 2;
export const KIND_DELETION = 3;

export const FLAG_COUNTS = 1;

export const CODEC_NONE = 0;
export const CODEC_SNAPPY = 1;
export const CODEC_ZSTD = 2;

export const TAG_EXEMPLARS = 1;
export const TAG_METADATA = 2;
export const TAG_HISTOGRAMS = 3;
export const TAG_START_TIMES = 4;
export const TAG_ALL_EXEMPLARS = 5;

export const CRC_BYTES = 4;

/** Writers begin a new record if the next series would take this one beyond it. */
export const RECORD_SPLIT_BYTES = 512 * 1024;

/** Bound on an expanded label section, so that a damaged length never asks for gigabytes. */
export const MAX_LABEL_SECTION_BYTES = 64 * 1024 * 1024;

/** Timestamps are integers within ± this (142,000 years), so that differences of two are exact. */
export const MAX_TIMESTAMP_MS = 2 ** 52 - 1;

export type RecordKind = 'samples' | 'cut' | 'deletion';

/** Closes a tenant's head: the samples of `[windowStartMs, windowStartMs + windowMs)` so far, head number `seq`. */
export interface Cut {
  readonly tenant: string;
  readonly windowStartMs: number;
  readonly windowMs: number;
  readonly seq: number;
  /** Who appended it: that zone stores the block, the others wait for it. */
  readonly zone: string;
}

/** An exemplar and the index, within its record, of the series it belongs to. */
export interface RecordExemplar {
  readonly series: number;
  readonly exemplar: Exemplar;
}

/** A native histogram and the index, within its record, of the sample that it is. */
export interface RecordHistogram {
  readonly sample: number;
  readonly histogram: HistogramFields;
}

/** A well-formed beginning of something that this version of the program doesn't know how to apply. */
export class UnknownRecordError extends Error {
  override readonly name = 'UnknownRecordError';
}
