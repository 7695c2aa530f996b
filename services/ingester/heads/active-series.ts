import { ID_BYTES, ID_WORDS } from '@xscaler/model';
import type { Head } from '@xscaler/tsdb';
import type { PartitionHeads } from './partition-heads.ts';

/** A series stays active for this long after its window's end, the latest time at which it can have been seen. */
const ACTIVE_MS = 3_600_000;

/** About this many of a head's series are looked up in the tenant's other heads. */
const SAMPLED_SERIES = 4096;

/** Active series of a partition, by tenant. */
export interface ActiveSeriesCounts {
  readonly partition: number;
  readonly byTenant: readonly (readonly [tenant: string, count: number])[];
}

/** Counts each tenant's active series. */
export function activeSeriesOf(partition: number, heads: PartitionHeads, nowMs: number): ActiveSeriesCounts {
  const ofTenants = new Map<string, Head[]>();
  for (const { head } of heads.all()) {
    if (!isActive(head, nowMs)) continue;
    const ofTenant = ofTenants.get(head.tenant);
    if (ofTenant === undefined) ofTenants.set(head.tenant, [head]);
    else ofTenant.push(head);
  }
  return { partition, byTenant: [...ofTenants].map(([tenant, ofTenant]) => [tenant, seriesIn(ofTenant)]) };
}

/** Ids of a tenant's active series, concatenated; some appear twice. */
export function activeIdsOf(heads: PartitionHeads, tenant: string, nowMs: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const { head } of heads.ofTenant(tenant)) {
    if (!isActive(head, nowMs)) continue;
    const { buffer, byteOffset } = head.table.ids;
    parts.push(new Uint8Array(buffer, byteOffset, ID_BYTES * head.seriesCount));
  }
  return Buffer.concat(parts);
}

function isActive({ windowStartMs, windowMs }: Head, nowMs: number): boolean {
  return windowStartMs + windowMs > nowMs - ACTIVE_MS;
}

/**
 * Distinct series in the heads. At a window change, and with late samples, most series are in several heads. The overlap of a
 * large head with the others is estimated from a sample by id, which is a hash.
 */
function seriesIn(heads: readonly Head[]): number {
  const [largest, ...others] = [...heads].sort((a, b) => b.seriesCount - a.seriesCount);
  let count = largest.seriesCount;
  const counted = [largest];
  for (const head of others) {
    count += seriesBeside(head, counted);
    counted.push(head);
  }
  return count;
}

function seriesBeside(head: Head, counted: readonly Head[]): number {
  const { ids } = head.table;
  const { seriesCount } = head;
  const mask = 2 ** Math.max(0, Math.floor(Math.log2(seriesCount / SAMPLED_SERIES))) - 1;
  let sampled = 0;
  let missing = 0;
  for (let at = 0; at < seriesCount * ID_WORDS; at += ID_WORDS) {
    if ((ids[at + 1] & mask) !== 0) continue;
    sampled++;
    const isKnown = counted.some((other) => other.find(ids[at], ids[at + 1], ids[at + 2], ids[at + 3]) >= 0);
    if (!isKnown) missing++;
  }
  return sampled === 0 ? 0 : Math.round((missing / sampled) * seriesCount);
}
