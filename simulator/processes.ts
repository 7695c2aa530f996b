import { randomUUID } from 'node:crypto';
import { ClockWatch, Heartbeat, type OwnerHeartbeat } from '@xscaler/cluster';
import { Compactor, type CompactorOptions } from '@xscaler/compactor';
import {
  type BlockStore,
  SqlBlockStore,
  SqlCompactionStore,
  SqlDeletionStore,
  SqlLogIdentityStore,
} from '@xscaler/database';
import {
  createDistributor,
  GuardedLog,
  LogGuard,
  RecordVersions,
  SeriesDeletions,
  withDeletions,
} from '@xscaler/distributor';
import { type CutSettings, Ingester, type IngesterStatus } from '@xscaler/ingester';
import type { Upstream, UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import { type Limits, type Shard, shardOf } from '@xscaler/tenancy';
import { HIGHEST_RECORD_VERSION, LOWEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { Registry } from 'prom-client';
import { BrokenPromiseError } from './expectations.ts';
import type { Callee, Network } from './network.ts';
import { MAX_CLOCK_SKEW_MS } from './settings.ts';
import { DatabaseClient, type SimulatedDatabase } from './simulated-database.ts';
import { LogClient, type SimulatedLog } from './simulated-log.ts';
import { RegistryClient, type SimulatedRegistry } from './simulated-registry.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

/** What every process of the cluster stands on. */
export interface Surroundings {
  readonly time: VirtualTime;
  readonly network: Network;
  readonly log: SimulatedLog;
  readonly database: SimulatedDatabase;
  readonly registry: SimulatedRegistry;
  /** A line of the run's story. */
  readonly tell: (line: string) => void;
  /** Ends the run: a promise was broken. */
  readonly fail: (error: Error) => void;
}

/** A process that can be killed, paused and started again. */
export abstract class SimulatedProcess implements Callee {
  readonly name: string;
  readonly surroundings: Surroundings;
  actor: Actor;
  /** Whether it runs a release before this one, which knows records of version 1 alone, with other settings. */
  isOld = false;
  /** What a test puts between the process and its block store. */
  wrapBlocks: (blocks: BlockStore) => BlockStore = (blocks) => blocks;
  /** What a test changes about how it knows that its clock is wrong. */
  wrapClockFault: (fault: () => string | undefined) => () => string | undefined = (fault) => fault;
  protected clockFault: () => string | undefined = () => undefined;

  constructor(name: string, surroundings: Surroundings) {
    this.name = name;
    this.surroundings = surroundings;
    this.actor = { name, isAlive: false, isPaused: false, skewMs: 0 };
  }

  get isAway(): boolean {
    return !this.actor.isAlive;
  }

  /** A new process: nothing of the one before is left in it. */
  start(skewMs = 0): void {
    this.actor = { name: this.name, isAlive: true, isPaused: false, skewMs };
    this.surroundings.time.runAs(this.actor, () => {
      this.clockFault = this.wrapClockFault(this.#watchClock());
      this.launch(this.actor);
    });
  }

  /** Compares its clock with those of the servers, as every process does. */
  #watchClock(): () => string | undefined {
    const { network, time, database, log, registry } = this.surroundings;
    const { actor } = this;
    const witness = (name: string, server: Callee) => ({
      name,
      read: () =>
        network.call(
          actor,
          server,
          async () => time.nowMs,
          () => new Error(`no answer from ${name}`),
        ),
    });
    const watch = new ClockWatch({
      witnesses: [witness('postgresql', database), witness('kafka', log), witness('redis', registry)],
      own: { wall: () => Date.now(), monotonic: () => performance.now() },
      maxSkewMs: MAX_CLOCK_SKEW_MS,
      logger: this.logger,
    });
    watch.start();
    return () => watch.clock.fault();
  }

  kill(): void {
    this.surroundings.time.kill(this.actor);
  }

  /** Starts the real service in the actor's name. */
  protected abstract launch(actor: Actor): void;

  protected logClient(): LogClient {
    const { log, network } = this.surroundings;
    return new LogClient(log, network, this.actor, this.recordVersion);
  }

  /** The highest version of the log's records that its release knows. */
  get recordVersion(): number {
    return this.isOld ? LOWEST_RECORD_VERSION : HIGHEST_RECORD_VERSION;
  }

  protected registryClient(): RegistryClient {
    const { registry, network } = this.surroundings;
    return new RegistryClient(registry, network, this.actor);
  }

  protected databaseClient(): DatabaseClient {
    const { database, network } = this.surroundings;
    return new DatabaseClient(database, network, this.actor);
  }

  protected blockStore(): BlockStore {
    return this.wrapBlocks(new SqlBlockStore(this.databaseClient(), () => Date.now(), 2 * MAX_CLOCK_SKEW_MS));
  }

  /** What a service logs, as lines of the story. */
  protected get logger() {
    const say = (level: string) => (fields: object, message: string) => {
      const { err, ...rest } = fields as { err?: Error };
      const cause = err === undefined ? '' : `: ${err.message}`;
      this.surroundings.tell(`${this.name} ${level}: ${message}${cause} ${JSON.stringify(rest)}`);
    };
    return { debug: () => undefined, info: say('info'), warn: say('warn'), error: say('error') };
  }
}

export interface DistributorSettings {
  readonly windowMs: number;
  readonly oldWindowMs: number;
  readonly limits: Limits;
  readonly partitionCount: number;
}

export class DistributorProcess extends SimulatedProcess {
  readonly #settings: DistributorSettings;
  #distributor: Upstream | undefined;
  /** What a test changes about how it knows which records ingesters read. */
  wrapRecordVersion: (recordVersion: () => number) => () => number = (recordVersion) => recordVersion;
  /** A release before this one writes to whatever log there is. */
  looksAtLog = true;

  constructor(name: string, surroundings: Surroundings, settings: DistributorSettings) {
    super(name, surroundings);
    this.#settings = settings;
  }

  handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    return (this.#distributor as Upstream).handle(request, signal);
  }

  protected launch(): void {
    const { limits, partitionCount } = this.#settings;
    const windowMs = this.isOld ? this.#settings.oldWindowMs : this.#settings.windowMs;
    const shard: Shard = { partitions: shardOf('', 0, partitionCount) };
    const clock = () => Date.now();
    const registry = new Registry();
    const log = this.looksAtLog ? this.#guardedLog() : this.logClient();
    const registryClient = this.registryClient();
    const versions = new RecordVersions({
      owners: () => registryClient.owners(),
      clock,
      logger: this.logger,
    });
    versions.start();
    const highest = this.recordVersion;
    const writes = createDistributor({
      recordVersion: this.wrapRecordVersion(() => Math.min(highest, versions.current)),
      log,
      limitsOf: () => limits,
      shardOf: () => shard,
      windowMs,
      clock,
      clockFault: this.clockFault,
      registry,
      logger: this.logger,
    });
    const deletions = new SqlDeletionStore(this.databaseClient());
    const { logger } = this;
    this.#distributor = withDeletions(
      writes,
      new SeriesDeletions({
        log,
        deletions,
        // The audit log is not a part of what is simulated.
        audit: async () => {},
        newId: randomUUID,
        clock,
        clockFault: this.clockFault,
        logger,
        registry,
      }),
    );
  }

  #guardedLog(): GuardedLog {
    const log = this.logClient();
    const identities = new SqlLogIdentityStore(this.databaseClient());
    const guard = new LogGuard({ log, identities, logger: this.logger });
    guard.start();
    return new GuardedLog(log, guard);
  }
}

export interface IngesterSettings {
  readonly zone: string;
  readonly ordinal: number;
  readonly partitions: readonly number[];
  readonly otherZoneMs: number;
  readonly cuts: CutSettings;
  readonly committedHeadLingerMs: number;
}

const ANNOUNCE_MS = 2_000;

export class IngesterProcess extends SimulatedProcess {
  settings: IngesterSettings;
  ingester: Ingester | undefined;

  constructor(name: string, surroundings: Surroundings, settings: IngesterSettings) {
    super(name, surroundings);
    this.settings = settings;
  }

  status(): IngesterStatus {
    return (this.ingester as Ingester).status();
  }

  /** What it announces of itself. */
  heartbeat(): OwnerHeartbeat {
    const { name, recordVersion } = this;
    const { zone, ordinal, partitions } = this.settings;
    const states = this.ingester?.status() ?? {};
    const progress = partitions.map((partition) => {
      const { state = 'loading', nextOffset: appliedOffset = 0 } = states[partition] ?? {};
      return [partition, { state: state === 'loading' ? 'replaying' : state, appliedOffset }] as const;
    });
    return {
      instanceId: name,
      run: { id: name, startedMs: 0, beat: 0 },
      zone,
      ordinal,
      address: name,
      recordVersion,
      partitions: new Map(progress),
    };
  }

  protected override get logger() {
    const logger = super.logger;
    const error = (fields: object, message: string) => {
      logger.error(fields, message);
      // Whatever breaks, no replica may come to where only an operator can help, unless somebody has replaced the log.
      if (message === 'the partition is stopped' && !this.surroundings.log.isReplaced) {
        const { err } = fields as { err: Error };
        this.surroundings.fail(
          new BrokenPromiseError(`${this.name} has stopped a partition: ${err.message}`),
        );
      }
    };
    return { ...logger, error };
  }

  protected launch(): void {
    const registry = this.registryClient();
    const { ordinal: _, ...settings } = this.settings;
    const ingester = new Ingester({
      ...settings,
      truncatesLog: false,
      log: this.logClient(),
      blocks: this.blockStore(),
      clock: () => Date.now(),
      clockFault: this.clockFault,
      logger: this.logger,
      registry: new Registry(),
    });
    this.ingester = ingester;
    // What stops it is in its logs and in its status.
    ingester.start().catch(() => undefined);
    new Heartbeat(() => registry.announce(this.heartbeat()), ANNOUNCE_MS).start();
  }
}

export type CompactorSettings = Pick<CompactorOptions, 'policy' | 'bounds' | 'intervalMs' | 'leaseMs'>;

/** Longer than any read lives. */
const PURGE_DELAY_MS = 60_000;

export class CompactorProcess extends SimulatedProcess {
  readonly #settings: CompactorSettings;

  constructor(name: string, surroundings: Surroundings, settings: CompactorSettings) {
    super(name, surroundings);
    this.#settings = settings;
  }

  protected launch(): void {
    new Compactor({
      ...this.#settings,
      owner: randomUUID(),
      store: new SqlCompactionStore(this.databaseClient(), () => Date.now()),
      blocks: this.blockStore(),
      tenants: async () => [],
      housekeeping: {
        defaultRetentionMs: 0,
        tenantCleanupDelayMs: 0,
        purgeDelayMs: PURGE_DELAY_MS,
        stagedLiveMs: PURGE_DELAY_MS,
        receiptKeepMs: PURGE_DELAY_MS,
      },
      newBlockId: randomUUID,
      clock: () => Date.now(),
      clockFault: this.clockFault,
      logger: this.logger,
      registry: new Registry(),
    }).start();
  }
}
