import { Heartbeat, type OwnerRegistry, type PartitionOwner } from '@xscaler/cluster';
import {
  connectGrpcIngester,
  type GrpcIngester,
  type IngesterReplica,
  type ServiceTls,
} from '@xscaler/rpc/network';

const REFRESH_MS = 1_000;

/**
 * Which ingesters have which partition, and a connection to each. Known from their heartbeats, refreshed once a second;
 * the last known answer stands while the registry is unreachable.
 */
export class IngesterDirectory {
  readonly #secret: string;
  readonly #tls: ServiceTls | undefined;
  readonly #connections = new Map<string, GrpcIngester>();
  readonly #refresh: Heartbeat;
  #owners: ReadonlyMap<number, readonly PartitionOwner[]> = new Map();
  #isKnown = false;

  constructor(registry: OwnerRegistry, secret: string, tls: ServiceTls | undefined) {
    this.#secret = secret;
    this.#tls = tls;
    this.#refresh = new Heartbeat(async () => {
      const { byPartition, ageMs } = await registry.owners(REFRESH_MS);
      this.#owners = byPartition;
      this.#isKnown = Number.isFinite(ageMs);
      this.#closeUnknown();
    }, REFRESH_MS);
  }

  start(): Promise<void> {
    return this.#refresh.start();
  }

  async stop(): Promise<void> {
    await this.#refresh.stop();
    for (const connection of this.#connections.values()) connection.close();
  }

  /** Why no owner can be known yet; undefined from the registry's first answer on. */
  notReady(): string | undefined {
    return this.#isKnown ? undefined : 'Redis has never answered: no ingester is known';
  }

  owners(): Record<number, readonly PartitionOwner[]> {
    return Object.fromEntries(this.#owners);
  }

  /** Every partition that somebody has with its owners, best first: live ones, then those that are still replaying. */
  replicas(): ReadonlyMap<number, readonly IngesterReplica[]> {
    const replicas = new Map<number, readonly IngesterReplica[]>();
    for (const [partition, owners] of this.#owners) {
      const best = owners
        .filter(({ state }) => state !== 'stopped')
        .sort((a, b) => rank(a) - rank(b) || b.appliedOffset - a.appliedOffset);
      replicas.set(
        partition,
        best.map(({ instanceId, address }) => ({ name: instanceId, api: this.#connection(address) })),
      );
    }
    return replicas;
  }

  #connection(address: string): GrpcIngester {
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      connection = connectGrpcIngester(address, {
        ...(this.#secret !== '' && { secret: this.#secret }),
        ...(this.#tls !== undefined && { tls: this.#tls }),
      });
      this.#connections.set(address, connection);
    }
    return connection;
  }

  #closeUnknown(): void {
    const known = new Set([...this.#owners.values()].flat().map(({ address }) => address));
    for (const [address, connection] of this.#connections) {
      if (known.has(address)) continue;
      connection.close();
      this.#connections.delete(address);
    }
  }
}

function rank({ state }: PartitionOwner): number {
  return state === 'live' ? 0 : 1;
}
