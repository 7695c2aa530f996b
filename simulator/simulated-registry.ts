import {
  type OwnerHeartbeat,
  type OwnerRegistry,
  type OwnersSnapshot,
  openMemoryCluster,
} from '@xscaler/cluster';
import type { Callee, Network } from './network.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

/** Longer than anybody is unreachable here: who is forgotten and comes back as before is known to nobody. */
const TTL_MS = 120_000;

/** Where ingesters announce themselves: what Redis is to the real ones. */
export class SimulatedRegistry implements Callee {
  readonly actor = undefined;
  isAway = false;
  readonly owners: OwnerRegistry;

  constructor(time: VirtualTime) {
    this.owners = openMemoryCluster({ ttlMs: TTL_MS, now: () => time.nowMs }).owners;
  }
}

const NOT_KNOWN: OwnersSnapshot = { byPartition: new Map(), ageMs: Number.POSITIVE_INFINITY };

/** The registry as one process has it: while it is unreachable what was known last stands. */
export class RegistryClient {
  readonly #registry: SimulatedRegistry;
  readonly #network: Network;
  readonly #actor: Actor;
  #known = NOT_KNOWN;

  constructor(registry: SimulatedRegistry, network: Network, actor: Actor) {
    this.#registry = registry;
    this.#network = network;
    this.#actor = actor;
  }

  async announce(heartbeat: OwnerHeartbeat): Promise<void> {
    await this.#call((owners) => owners.announce(heartbeat)).catch(() => undefined);
  }

  async owners(): Promise<OwnersSnapshot> {
    this.#known = await this.#call((owners) => owners.owners()).catch(() => this.#known);
    return this.#known;
  }

  #call<T>(work: (owners: OwnerRegistry) => Promise<T>): Promise<T> {
    const lost = () => new Error('no answer from the registry');
    return this.#network.call(this.#actor, this.#registry, () => work(this.#registry.owners), lost);
  }
}
