import type { Random } from '@xscaler/e2e/harness';
import { Network } from './network.ts';
import {
  CompactorProcess,
  DistributorProcess,
  IngesterProcess,
  type SimulatedProcess,
  type Surroundings,
} from './processes.ts';
import { QuerierProcess } from './querier-process.ts';
import { type ClusterSettings, compactorSettings, ingesterSettings, MAX_SKEW_MS, ZONES } from './settings.ts';
import { SimulatedDatabase } from './simulated-database.ts';
import { SimulatedLog } from './simulated-log.ts';
import { SimulatedRegistry } from './simulated-registry.ts';
import type { Tables } from './tables.ts';
import type { VirtualTime } from './virtual-time.ts';

/** Every process and server of a simulated cluster. */
export class Cluster {
  readonly surroundings: Surroundings;
  readonly distributors: readonly DistributorProcess[];
  readonly ingesters: readonly IngesterProcess[];
  readonly compactors: readonly CompactorProcess[];
  readonly querier: QuerierProcess;
  readonly #random: Random;

  constructor(
    time: VirtualTime,
    random: Random,
    settings: ClusterSettings,
    tables: Tables,
    tell: (line: string) => void,
    fail: (error: Error) => void,
  ) {
    this.#random = random;
    const log = new SimulatedLog(settings.partitionCount, random);
    const database = new SimulatedDatabase(time, random, tables);
    const registry = new SimulatedRegistry(time);
    const network = new Network(time, random);
    const surroundings = { time, network, log, database, registry, tell, fail };
    this.surroundings = surroundings;
    this.distributors = Array.from(
      { length: settings.distributors },
      (_, i) => new DistributorProcess(`distributor-${i}`, surroundings, settings),
    );
    this.ingesters = ZONES.flatMap((zone) =>
      Array.from({ length: settings.ingestersIn[zone] }, (_, ordinal) => {
        const own = ingesterSettings(random, zone, ordinal, settings);
        return new IngesterProcess(`ingester-${zone}-${ordinal}`, surroundings, own);
      }),
    );
    this.compactors = ['compactor-0', 'compactor-1'].map(
      (name) => new CompactorProcess(name, surroundings, compactorSettings(random)),
    );
    for (const process of [...this.distributors, ...this.ingesters]) {
      process.isOld = random.next() < settings.oldShare;
    }
    // The cluster has been there before this run begins.
    for (const ingester of this.ingesters) registry.owners.announce(ingester.heartbeat());
    this.querier = new QuerierProcess('querier', surroundings, this.ingesters, settings);
  }

  get processes(): readonly SimulatedProcess[] {
    return [...this.distributors, ...this.ingesters, ...this.compactors, this.querier];
  }

  /** Those that run an older release, with its settings. */
  get oldProcesses(): readonly SimulatedProcess[] {
    return this.processes.filter(({ isOld }) => isOld);
  }

  startAll(): void {
    for (const process of this.processes) this.start(process);
  }

  start(process: SimulatedProcess): void {
    process.start((this.#random.next() * 2 - 1) * MAX_SKEW_MS);
  }

  /** Whether every partition of every ingester is followed live. */
  get isLive(): boolean {
    return this.ingesters.every(
      (ingester) =>
        !ingester.isAway && Object.values(ingester.status()).every(({ state }) => state === 'live'),
    );
  }
}
