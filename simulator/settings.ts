import type { Random } from '@xscaler/e2e/harness';
import type { Limits } from '@xscaler/tenancy';
import { limitsSchema } from '@xscaler/tenancy/limits';
import type { CompactorSettings, IngesterSettings } from './processes.ts';

/** What a seed makes of a cluster. Times in ms. */
export interface ClusterSettings {
  readonly partitionCount: number;
  readonly distributors: number;
  /** How many ingesters share the partitions in each of the zones. */
  readonly ingestersIn: Readonly<Record<string, number>>;
  readonly tenants: readonly string[];
  readonly seriesPerTenant: number;
  readonly clients: number;
  /** Length of head windows as distributors have it, and as those have it that were not upgraded yet. */
  readonly windowMs: number;
  readonly oldWindowMs: number;
  /** Share of distributors and ingesters that are upgraded while the cluster runs. */
  readonly oldShare: number;
  readonly limits: Limits;
  readonly loadMs: number;
  /** Whether the log is deleted and made again in the end. */
  readonly isLogReplaced: boolean;
}

export const ZONES: readonly string[] = ['a', 'b'];

/** Clocks of processes are off by as much at most. */
export const MAX_SKEW_MS = 2_000;

/** `cluster.max_clock_skew`: beyond it a clock is wrong, and known to be. More than they are off, for what a question takes. */
export const MAX_CLOCK_SKEW_MS = MAX_SKEW_MS + 1_000;

/** A day is made of whole windows, or its blocks are never merged. */
const WINDOWS_S = [4, 5, 6, 8, 9, 10, 12, 15, 16];

const LATENESS_WINDOW_MS = 12_000;

export function clusterSettings(random: Random): ClusterSettings {
  const partitionCount = random.between(1, 4);
  const windowMs = () => WINDOWS_S[random.between(0, WINDOWS_S.length)] * 1_000;
  const newWindowMs = windowMs();
  return {
    partitionCount,
    distributors: random.between(1, 3),
    ingestersIn: Object.fromEntries(
      ZONES.map((zone) => [zone, Math.min(partitionCount, random.between(1, 3))]),
    ),
    tenants: ['one', 'two'].slice(0, random.between(1, 3)),
    seriesPerTenant: random.between(2, 7),
    clients: random.between(1, 4),
    windowMs: newWindowMs,
    oldWindowMs: random.next() < 0.3 ? windowMs() : newWindowMs,
    oldShare: random.next() < 0.6 ? random.next() : 0,
    limits: limitsSchema.parse({ out_of_order_time_window: LATENESS_WINDOW_MS }),
    loadMs: random.between(30, 90) * 1_000,
    isLogReplaced: random.next() < 0.4,
  };
}

/** Of one ingester: replicas need not agree in anything here. */
export function ingesterSettings(
  random: Random,
  zone: string,
  ordinal: number,
  { partitionCount, ingestersIn }: ClusterSettings,
): IngesterSettings {
  const all = Array.from({ length: partitionCount }, (_, partition) => partition);
  return {
    zone,
    ordinal,
    partitions: all.filter((partition) => partition % ingestersIn[zone] === ordinal),
    otherZoneMs: random.between(1_000, 8_000),
    cuts: {
      graceMs: random.between(200, 5_000),
      lateHeadAgeMs: random.between(500, 5_000),
      lateHeadBytes: random.next() < 0.3 ? random.between(2_000, 200_000) : 64 * 1024 * 1024,
      maxHeadBytes: random.next() < 0.3 ? random.between(100_000, 1_000_000) : 256 * 1024 * 1024,
    },
    // Longer than any call takes, as it must be longer than any query takes.
    committedHeadLingerMs: random.between(45_000, 60_000),
  };
}

export function compactorSettings(random: Random): CompactorSettings {
  return {
    policy: {
      settleMs: 3_600_000,
      freshBlocks: random.between(2, 8),
      lateBlocks: random.between(1, 4),
    },
    bounds: { maxBlocks: random.between(2, 12), maxSeries: 1_000 },
    intervalMs: random.between(500, 8_000),
    leaseMs: random.between(1_000, 20_000),
  };
}

/** How late a sample may be that is to be accepted by whichever clock, and from when on it is refused by each. */
export const SAFE_LATENESS_MS = LATENESS_WINDOW_MS - MAX_SKEW_MS - 4_000;
export const REFUSED_LATENESS_MS = LATENESS_WINDOW_MS + MAX_SKEW_MS + 1_000;
