import type { MatchType } from '@xscaler/model';
import type {
  CardinalityRead,
  IngesterExemplars,
  IngesterRead,
  MetadataRead,
  PartitionCardinality,
} from '../ingester/ingester-api.ts';
import type {
  WireCardinalityPiece,
  WireCardinalityRead,
  WireFramePiece,
  WireLabelValuesRead,
  WireMetadataRead,
  WirePartitions,
  WireRead,
} from './ingester-proto.ts';

const WIRE_TYPES: Readonly<Record<MatchType, string>> = {
  '=': 'EQUAL',
  '!=': 'NOT_EQUAL',
  '=~': 'MATCHES',
  '!~': 'NOT_MATCHES',
};

const MATCH_TYPES = new Map(Object.entries(WIRE_TYPES).map(([type, wire]) => [wire, type as MatchType]));

/** @throws RangeError for a time or offset that is not a whole number within 2^53 */
export function wireRead(read: IngesterRead): WireRead {
  return {
    tenant: read.tenant,
    matcherSets: read.matcherSets.map((set) => ({
      matchers: set.map(({ type, name, value }) => ({ type: WIRE_TYPES[type], name, value })),
    })),
    startMs: int64(read.startMs),
    endMs: int64(read.endMs),
    minOffsets: wireOffsets(read.minOffsets),
    partitions: wirePartitions(read.partitions),
    commits: read.commits ?? {},
    maxBytes: read.maxBytes ?? 0,
    requestId: read.requestId ?? '',
  };
}

export function fromWireRead(wire: WireRead): IngesterRead {
  return {
    tenant: wire.tenant,
    matcherSets: wire.matcherSets.map((set) =>
      set.matchers.map(({ type, name, value }) => ({ type: matchType(type), name, value })),
    ),
    startMs: wire.startMs,
    endMs: wire.endMs,
    minOffsets: wire.minOffsets,
    ...fromWirePartitions(wire.partitions),
    ...(Object.keys(wire.commits).length > 0 && { commits: wire.commits }),
    ...(wire.maxBytes > 0 && { maxBytes: wire.maxBytes }),
    ...fromWireRequestId(wire.requestId),
  };
}

export function wireLabelValuesRead(read: IngesterRead & { readonly name: string }): WireLabelValuesRead {
  return { read: wireRead(read), name: read.name };
}

export function fromWireLabelValuesRead(wire: WireLabelValuesRead): IngesterRead & { readonly name: string } {
  return { ...fromWireRead(wire.read), name: wire.name };
}

export function wireCardinalityRead(read: CardinalityRead): WireCardinalityRead {
  return { read: wireRead(read), names: read.names === undefined ? null : { names: read.names } };
}

export function fromWireCardinalityRead({ read, names }: WireCardinalityRead): CardinalityRead {
  return { ...fromWireRead(read), ...(names !== null && { names: names.names }) };
}

/** A partition's counts in messages of a size; one if there are no labels. */
export function* cardinalityPieces(cardinality: PartitionCardinality): Generator<WireCardinalityPiece> {
  const { labels, minTimeMs, maxTimeMs, ...rest } = cardinality;
  const whole = { ...rest, minTimeMs: int64(minTimeMs), maxTimeMs: int64(maxTimeMs) };
  if (labels.length === 0) yield { ...whole, label: null };
  for (const { name, values, seriesCounts } of labels) {
    let from = 0;
    for (const batch of batchesOf(values, (value) => value.length + 6)) {
      const label = { name, values: batch, seriesCounts: seriesCounts.slice(from, from + batch.length) };
      yield { ...whole, label };
      from += batch.length;
    }
  }
}

/** The partitions that such pieces, in order, speak of. */
export function joinedCardinalities(pieces: readonly WireCardinalityPiece[]): PartitionCardinality[] {
  const joined: JoinedCardinality[] = [];
  for (const { label, ...whole } of pieces) {
    let partition = joined.at(-1);
    if (partition?.partition !== whole.partition) {
      partition = { ...whole, labels: [] };
      joined.push(partition);
    }
    if (label === null) continue;
    const last = partition.labels.at(-1);
    if (last?.name !== label.name) {
      partition.labels.push({
        name: label.name,
        values: [...label.values],
        seriesCounts: [...label.seriesCounts],
      });
      continue;
    }
    for (const value of label.values) last.values.push(value);
    for (const count of label.seriesCounts) last.seriesCounts.push(count);
  }
  return joined;
}

interface JoinedCardinality extends PartitionCardinality {
  readonly labels: { readonly name: string; readonly values: string[]; readonly seriesCounts: number[] }[];
}

/** @throws RangeError for an offset that is not a whole number within 2^53 */
export function wireMetadataRead(read: MetadataRead): WireMetadataRead {
  const { tenant, metric, minOffsets, partitions, requestId = '' } = read;
  return {
    tenant,
    ...(metric === undefined ? undefined : { metric }),
    minOffsets: wireOffsets(minOffsets),
    partitions: wirePartitions(partitions),
    requestId,
  };
}

export function fromWireMetadataRead(wire: WireMetadataRead): MetadataRead {
  const { tenant, metric, minOffsets, partitions, requestId } = wire;
  return {
    tenant,
    metric,
    minOffsets,
    ...fromWirePartitions(partitions),
    ...fromWireRequestId(requestId),
  };
}

/** An ingester may be asked by a release that names none. */
function fromWireRequestId(requestId: string): { readonly requestId?: string } {
  return requestId === '' ? {} : { requestId };
}

/** An int64 that a number holds exactly. Infinite ones mean the furthest such. */
export function int64(value: number): number {
  if (value === Number.POSITIVE_INFINITY) return Number.MAX_SAFE_INTEGER;
  if (value === Number.NEGATIVE_INFINITY) return Number.MIN_SAFE_INTEGER;
  if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is not a whole number within 2^53`);
  return value;
}

function wireOffsets(offsets: Readonly<Record<number, number>>): Record<number, number> {
  const wire: Record<number, number> = {};
  for (const partition in offsets) wire[partition] = int64(offsets[partition]);
  return wire;
}

function wirePartitions(partitions: readonly number[] | undefined): WirePartitions | null {
  return partitions === undefined ? null : { partitions };
}

function fromWirePartitions(wire: WirePartitions | null): { partitions?: readonly number[] } {
  return wire === null ? {} : { partitions: wire.partitions };
}

function matchType(wire: string): MatchType {
  const type = MATCH_TYPES.get(wire);
  if (type === undefined) throw new RangeError(`no such matcher: ${wire}`);
  return type;
}

/** A frame larger than this goes in pieces. */
const PIECE_BYTES = 4 * 1024 * 1024;

export function* piecesOf(frame: Uint8Array): Generator<WireFramePiece> {
  let from = 0;
  do {
    const to = Math.min(from + PIECE_BYTES, frame.byteLength);
    yield { data: frame.subarray(from, to), continued: to < frame.byteLength };
    from = to;
  } while (from < frame.byteLength);
}

/** About this much text in a message of a list. */
const BATCH_CHARACTERS = 256 * 1024;

/** Cuts a list into batches. An empty list is not a batch. */
export function* batchesOf<T>(list: readonly T[], sizeOf: (entry: T) => number): Generator<T[]> {
  let from = 0;
  let size = 0;
  for (let i = 0; i < list.length; i++) {
    size += sizeOf(list[i]);
    if (size < BATCH_CHARACTERS && i < list.length - 1) continue;
    yield list.slice(from, i + 1);
    from = i + 1;
    size = 0;
  }
}

/** Characters in labels, and what their framing takes. */
/** Exemplars of a series in an entry of a message. */
const EXEMPLARS_OF_ENTRY = 1_000;

/** The same exemplars in entries each of which fits a message. */
export function exemplarEntries(found: readonly IngesterExemplars[]): IngesterExemplars[] {
  const entries: IngesterExemplars[] = [];
  for (const { labels, exemplars } of found) {
    for (let from = 0; from < exemplars.length; from += EXEMPLARS_OF_ENTRY)
      entries.push({ labels, exemplars: exemplars.slice(from, from + EXEMPLARS_OF_ENTRY) });
  }
  return entries;
}

export function sizeOfExemplars({ labels, exemplars }: IngesterExemplars): number {
  let size = sizeOfPairs(labels);
  for (const exemplar of exemplars) size += sizeOfPairs(exemplar.labels) + 20;
  return size;
}

export function sizeOfPairs(pairs: readonly string[]): number {
  let size = 4;
  for (const text of pairs) size += text.length + 3;
  return size;
}
