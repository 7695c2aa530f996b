import { type ByteReader, type ByteWriter, DecodeError } from '@xscaler/encoding';
import type { MatchType } from '@xscaler/model';
import { MAX_TIMESTAMP_MS } from './format.ts';

/** A label matcher as it is written down. */
export interface WrittenMatcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
}

/**
 * Deletes, of the records before it in its partition, a tenant's samples with startMs ≤ t ≤ endMs whose series satisfy
 * every matcher of any one set.
 */
export interface Deletion {
  readonly tenant: string;
  /** The same in every partition that it was appended to. */
  readonly deletionId: string;
  /** Wall clock, ms. */
  readonly requestedMs: number;
  readonly startMs: number;
  readonly endMs: number;
  /** At least one set. */
  readonly matcherSets: readonly (readonly WrittenMatcher[])[];
}

/** The number that stands for each type, which is its place here. */
const MATCH_TYPES: readonly MatchType[] = ['=', '!=', '=~', '!~'];

export function writeDeletion(to: ByteWriter, deletion: Deletion): void {
  to.string(deletion.tenant);
  to.string(deletion.deletionId);
  to.varint(deletion.requestedMs);
  to.varint(deletion.startMs);
  to.varint(deletion.endMs);
  to.uvarint(deletion.matcherSets.length);
  for (const matchers of deletion.matcherSets) {
    to.uvarint(matchers.length);
    for (const { type, name, value } of matchers) {
      to.u8(MATCH_TYPES.indexOf(type));
      to.string(name);
      to.string(value);
    }
  }
}

/** @throws DecodeError */
export function readDeletion(from: ByteReader): Deletion {
  const tenant = from.string();
  const deletionId = from.string();
  const requestedMs = from.varint();
  const startMs = from.varint();
  const endMs = from.varint();
  if (Math.max(Math.abs(startMs), Math.abs(endMs)) > MAX_TIMESTAMP_MS)
    throw new DecodeError(`a deletion from ${startMs} to ${endMs} ms`);
  const matcherSets: WrittenMatcher[][] = [];
  for (let sets = from.uvarint(); sets > 0; sets--) {
    const matchers: WrittenMatcher[] = [];
    for (let left = from.uvarint(); left > 0; left--) {
      const type = MATCH_TYPES[from.u8()];
      if (type === undefined) throw new DecodeError('a matcher of an unknown type');
      matchers.push({ type, name: from.string(), value: from.string() });
    }
    matcherSets.push(matchers);
  }
  // A deletion without a set would be one of everything: nobody writes that.
  if (matcherSets.length === 0) throw new DecodeError('a deletion of no series');
  return { tenant, deletionId, requestedMs, startMs, endMs, matcherSets };
}
