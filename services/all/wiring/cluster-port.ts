import type { MessagePort } from 'node:worker_threads';
import {
  type Cluster,
  ClusterError,
  type ClusterErrorCode,
  type LeaseOutcome,
  type Leases,
  type OwnersSnapshot,
  type RateShares,
  type SeriesTotal,
} from '@xscaler/cluster';
import { connect, serve } from '@xscaler/rpc';

/** What a distributor's thread asks of the cluster, whose connection the main thread has. */
interface ClusterPortApi {
  lease(key: readonly string[], signal: AbortSignal): Promise<string | undefined>;
  setLease(change: LeaseChange, signal: AbortSignal): Promise<LeaseOutcome>;
  activeTotal(tenant: string, signal: AbortSignal): Promise<SeriesTotal | undefined>;
  owners(request: undefined, signal: AbortSignal): Promise<OwnersSnapshot>;
  exchange(demands: readonly Demand[], signal: AbortSignal): Promise<Exchanged>;
  leave(request: undefined, signal: AbortSignal): Promise<boolean>;
}

interface LeaseChange {
  readonly key: readonly string[];
  readonly expected: string | undefined;
  readonly value: string;
  readonly ttlMs: number;
}

type Demand = readonly [tenant: string, perSecond: number];

interface Exchanged {
  readonly isDone: boolean;
  readonly members: number;
  readonly shares: readonly (readonly [tenant: string, share: number])[];
}

/** Answers what `connectCluster` asks at the other end; `shares` are this process' own. */
export function serveCluster(port: MessagePort, cluster: Cluster, shares: RateShares): void {
  serve<ClusterPortApi>(port, {
    lease: (key) => cluster.leases.get(key),
    setLease: ({ key, expected, value, ttlMs }) => cluster.leases.compareAndSet(key, expected, value, ttlMs),
    activeTotal: async (tenant) => (await cluster.seriesCounts.totals([tenant])).get(tenant),
    owners: () => cluster.owners.owners(),
    exchange: async (demands) => {
      const isDone = await shares.exchange(new Map(demands));
      const own = demands.map(([tenant]) => [tenant, shares.share(tenant)] as const);
      return { isDone, members: shares.members, shares: own };
    },
    leave: () => shares.leave(),
  });
}

/** What a distributor knows its cluster by. Calls reject with `ClusterError` as they do at the other end. */
export interface ClusterConnection {
  readonly leases: Leases;
  readonly shares: RateShares;
  activeTotal(tenant: string): Promise<SeriesTotal | undefined>;
  owners(): Promise<OwnersSnapshot>;
}

/** Longer than the other end waits for Redis. */
const TIMEOUT_MS = 2_000;

export function connectCluster(port: MessagePort): ClusterConnection {
  const api = connect<ClusterPortApi>(port);
  const inTime = () => AbortSignal.timeout(TIMEOUT_MS);
  return {
    leases: {
      get: (key) => asClusterError(api.lease(key, inTime())),
      compareAndSet: (key, expected, value, ttlMs) =>
        asClusterError(api.setLease({ key, expected, value, ttlMs }, inTime())),
    },
    shares: new PortRateShares(api),
    activeTotal: (tenant) => api.activeTotal(tenant, inTime()),
    owners: () => api.owners(undefined, inTime()),
  };
}

/** Shares of the last exchange: if Redis is unreachable the other end says what holds then. */
class PortRateShares implements RateShares {
  readonly #api: ClusterPortApi;
  #shares: ReadonlyMap<string, number> = new Map();
  #members = 1;

  constructor(api: ClusterPortApi) {
    this.#api = api;
  }

  async exchange(demands: ReadonlyMap<string, number>): Promise<boolean> {
    const { isDone, members, shares } = await this.#api.exchange(
      [...demands],
      AbortSignal.timeout(TIMEOUT_MS),
    );
    this.#shares = new Map(shares);
    this.#members = members;
    return isDone;
  }

  share(tenant: string): number {
    return this.#shares.get(tenant) ?? 1 / this.#members;
  }

  get members(): number {
    return this.#members;
  }

  leave(): Promise<boolean> {
    return this.#api.leave(undefined, AbortSignal.timeout(TIMEOUT_MS));
  }
}

/** Errors cross a port without their class. */
async function asClusterError<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const { message, code } = error as { message: string; code?: unknown };
    const known: ClusterErrorCode = code === 'invalid' ? 'invalid' : 'unavailable';
    throw new ClusterError(known, message);
  }
}
