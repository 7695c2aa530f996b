import { setTimeout as sleep } from 'node:timers/promises';
import { SqlBlockStore } from '@xscaler/database';
import { Random } from '@xscaler/e2e/harness';
import { acceptLoss } from '@xscaler/ingester';
import { audit } from './audit.ts';
import { Chaos, MAX_FORGOTTEN_MS } from './chaos.ts';
import { WriteClient } from './clients.ts';
import { Cluster } from './cluster.ts';
import { BrokenPromiseError, Expectations } from './expectations.ts';
import type { FoundSeries } from './querier-process.ts';
import {
  type ClusterSettings,
  clusterSettings,
  MAX_CLOCK_SKEW_MS,
  REFUSED_LATENESS_MS,
  SAFE_LATENESS_MS,
} from './settings.ts';
import { DatabaseClient } from './simulated-database.ts';
import { LogClient } from './simulated-log.ts';
import type { Tables } from './tables.ts';
import { VirtualTime } from './virtual-time.ts';
import { follow } from './virtual-timers.ts';

export interface Outcome {
  readonly events: number;
  readonly acknowledged: number;
  readonly refused: number;
  readonly held: number;
  readonly upgrades: number;
  readonly deletions: number;
  readonly reads: number;
  readonly failedReads: number;
  readonly heads: number;
}

export interface SimulationOptions {
  readonly seed: number;
  readonly tables: Tables;
  /** Hears the run's story, a line with the time an event. */
  readonly tell: (line: string) => void;
  /** Changes the cluster before it starts: how a test breaks an invariant on purpose. */
  readonly sabotage?: ((cluster: Cluster, random: Random) => void) | undefined;
}

const START_MS = Date.UTC(2026, 0, 1);
/** Share of deletions among a client's requests. */
const DELETIONS = 0.03;
/** From a database that went back in time until everybody has read the log from there. */
const LONGEST_RECOVERY_MS = 40_000;
const SETTLE_MS = 60_000;
/** How much longer than the old log the new one is written to, if it is to outgrow it. */
const OUTGROWN_MS = 60_000;
const READ_TIMEOUT_MS = 20_000;

/**
 * One run: a cluster of the real services on a simulated log, database, network and clock, under load, while things
 * break; then all is whole again and everything is looked at. The seed decides everything that happens.
 * @throws BrokenPromiseError if a promise to a client was not kept
 */
export function simulate(options: SimulationOptions): Promise<Outcome> {
  return new Simulation(options).run();
}

class Simulation {
  readonly #random: Random;
  readonly #time: VirtualTime;
  readonly #settings: ClusterSettings;
  readonly #cluster: Cluster;
  readonly #expectations = new Expectations();
  readonly #options: SimulationOptions;
  readonly #upgrades: number;
  #failedReads = 0;
  #failure: unknown;
  #isLoaded = true;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    const random = () => this.#random.next();
    this.#time = new VirtualTime(START_MS, random);
    follow(this.#time, random);
    this.#settings = clusterSettings(this.#random);
    this.#cluster = new Cluster(
      this.#time,
      this.#random,
      this.#settings,
      options.tables,
      (line) => this.#tell(line),
      (error) => this.#fail(error),
    );
    this.#upgrades = this.#cluster.oldProcesses.length;
    options.sabotage?.(this.#cluster, this.#random);
  }

  async run(): Promise<Outcome> {
    const { loadMs, clients } = this.#settings;
    this.#tell(JSON.stringify(this.#settings));
    this.#cluster.startAll();
    const chaos = new Chaos(this.#cluster, this.#random);
    const lanes = [chaos.run(), chaos.run(), this.#readNowAndThen(), this.#forgetLog(), this.#upgrade()];
    for (let i = 0; i < clients; i++) lanes.push(this.#write());
    for (const lane of lanes) lane.catch((error) => this.#fail(error));
    let isDone = false;
    Promise.allSettled(lanes).then(() => {
      isDone = true;
    });
    await this.#pass(loadMs);
    chaos.stop();
    this.#isLoaded = false;
    await this.#pass(SETTLE_MS, () => isDone);
    if (!isDone) throw new BrokenPromiseError('a fault or a client does not end');
    await this.#settle();
    if (this.#settings.isLogReplaced) await this.#replaceLog();
    await this.#restartEverything();
    return this.#summary();
  }

  /** Everything works again, with no help but what restarts processes; all is readable, from heads and from blocks. */
  async #settle(): Promise<void> {
    await this.#live('after the faults');
    await this.#readEverything('after the faults');
    // Until everything is in blocks.
    const { windowMs, oldWindowMs } = this.#settings;
    await this.#pass(3 * Math.max(windowMs, oldWindowMs) + 60_000);
    await this.#readEverything('once windows are over');
  }

  /**
   * Once everything is in blocks, somebody deletes the log and makes it again, and the cluster is written to. Then an operator lets
   * the partitions go on with the log that exists: what it was given exists, and so is what was in blocks before.
   */
  async #replaceLog(): Promise<void> {
    const { ingesters, distributors, surroundings } = this.#cluster;
    const { log } = surroundings;
    for (const ingester of ingesters) if (this.#random.next() < 0.6) ingester.kill();
    for (const distributor of distributors) {
      if (this.#random.next() < 0.5) continue;
      distributor.kill();
      distributor.looksAtLog = false;
      this.#cluster.start(distributor);
    }
    this.#tell('the log is deleted and made again');
    log.replace();
    // For longer than the old one was written to, often: then the new one outgrows the offsets of the old.
    const outgrowsMs = this.#settings.loadMs + OUTGROWN_MS;
    await this.#load(this.#random.next() < 0.6 ? outgrowsMs : this.#random.between(2, 60) * 1_000);
    for (const process of [...ingesters, ...distributors]) process.kill();
    for (const distributor of distributors) distributor.looksAtLog = true;
    const accepted = this.#acceptLoss();
    let isAccepted = false;
    accepted.then(
      () => {
        isAccepted = true;
      },
      (error) => this.#fail(error),
    );
    await this.#pass(SETTLE_MS, () => isAccepted);
    log.isReplaced = false;
    for (const process of [...ingesters, ...distributors]) this.#cluster.start(process);
    await this.#settle();
  }

  /** As `xscaler log accept-loss` does it, with no ingester running. */
  async #acceptLoss(): Promise<void> {
    const { log, database, network } = this.#cluster.surroundings;
    const client = new LogClient(log, network, undefined);
    const store = new SqlBlockStore(new DatabaseClient(database, network, undefined), () => Date.now());
    const blocks = this.#cluster.ingesters[0].wrapBlocks(store);
    for (let partition = 0; partition < client.partitionCount; partition++) {
      const parts = { blocks, log: client, holdersOf: async () => [] };
      this.#tell((await acceptLoss(parts, partition)).trim());
    }
  }

  /** Clients write for a while. */
  async #load(forMs: number): Promise<void> {
    this.#isLoaded = true;
    const lanes = Array.from({ length: this.#settings.clients }, () => this.#write());
    let isDone = false;
    Promise.all(lanes).then(
      () => {
        isDone = true;
      },
      (error) => this.#fail(error),
    );
    await this.#pass(forMs);
    this.#isLoaded = false;
    await this.#pass(SETTLE_MS, () => isDone);
  }

  async #restartEverything(): Promise<void> {
    for (const process of this.#cluster.processes) process.kill();
    this.#cluster.startAll();
    await this.#live('after a restart');
    await this.#readEverything('after a restart');
  }

  async #summary(): Promise<Outcome> {
    for (const process of this.#cluster.processes) process.kill();
    const { surroundings } = this.#cluster;
    const heads = await audit(this.#random, this.#settings, surroundings, this.#options.tables);
    // What an audit cannot read it stops at.
    if (this.#failure !== undefined) throw this.#failure;
    const { acknowledged, refused, held, deletions, checkedReads } = this.#expectations;
    if (acknowledged === 0) throw new BrokenPromiseError('nothing was accepted');
    const { eventCount: events } = this.#time;
    return {
      events,
      acknowledged,
      refused,
      held,
      upgrades: this.#upgrades,
      deletions,
      reads: checkedReads,
      failedReads: this.#failedReads,
      heads,
    };
  }

  async #write(): Promise<void> {
    const { network } = this.#cluster.surroundings;
    const client = new WriteClient(this.#random, network, this.#cluster.distributors, this.#expectations, {
      ...this.#settings,
      safeLatenessMs: SAFE_LATENESS_MS,
      refusedLatenessMs: REFUSED_LATENESS_MS,
      // Which of two values of a timestamp stands is told by heads of one length alone.
      hasConflicts: this.#settings.windowMs === this.#settings.oldWindowMs,
    });
    while (this.#isLoaded) {
      await sleep(this.#random.between(20, 1_500));
      if (this.#random.next() < DELETIONS) await client.delete(this.#time.nowMs);
      else await client.push(() => this.#time.nowMs);
    }
  }

  /** A rolling upgrade: one old process after the other, wherever it is in its troubles. */
  async #upgrade(): Promise<void> {
    const old = this.#cluster.oldProcesses;
    for (const process of old) {
      await sleep(this.#random.between(0, this.#settings.loadMs / old.length));
      this.#tell(`upgrade ${process.name}`);
      process.kill();
      process.isOld = false;
      await sleep(this.#random.between(10, 3_000));
      // Another lane that found it dead may have started it.
      if (process.isAway) this.#cluster.start(process);
    }
  }

  async #readNowAndThen(): Promise<void> {
    while (this.#isLoaded) {
      await sleep(this.#random.between(300, 4_000));
      const { nowMs } = this.#time;
      await this.#expectNoFutureNote();
      const startMs = this.#random.next() < 0.5 ? START_MS - 60_000 : nowMs - this.#random.between(0, 60_000);
      // What has settled is read in another way.
      const endMs = this.#random.next() < 0.3 ? nowMs - this.#random.between(0, 90_000) : nowMs;
      await this.#read(startMs, endMs).catch((error) => {
        if (error instanceof BrokenPromiseError) throw error;
        // While things are broken a read may fail; it must never be wrong.
        this.#failedReads++;
        this.#tell(`a read failed: ${(error as Error).message}`);
      });
    }
  }

  /** Readers would believe one when its time has come, and miss what was acknowledged until then. */
  async #expectNoFutureNote(): Promise<void> {
    const { database } = this.#cluster.surroundings;
    const latestMs = this.#time.nowMs + MAX_CLOCK_SKEW_MS;
    const select = 'SELECT partition FROM resume_offsets WHERE committed_until_ms > $1';
    const [future] = await database.query(select, [latestMs]);
    if (future === undefined) return;
    throw new BrokenPromiseError(`partition ${future.partition} has a note from the future`);
  }

  async #read(startMs: number, endMs: number): Promise<void> {
    const { network } = this.#cluster.surroundings;
    const { querier } = this.#cluster;
    for (const tenant of this.#settings.tenants) {
      const moment = this.#expectations.moment();
      const canceler = new AbortController();
      const work = () => querier.read(tenant, startMs, endMs, canceler.signal);
      const deadline = this.#time.schedule(
        READ_TIMEOUT_MS,
        () => canceler.abort(new Error('timeout')),
        undefined,
      );
      const found = await network.call<FoundSeries[]>(undefined, querier, work, () => new Error('no answer'));
      deadline.isCancelled = true;
      this.#expectations.check(tenant, startMs, endMs, found, moment);
    }
  }

  /** Lets the log forget what blocks have held for longer than the database may go back. */
  async #forgetLog(): Promise<void> {
    const { log, database } = this.#cluster.surroundings;
    const resumeOffsets = () => database.query('SELECT partition, resume_offset FROM resume_offsets', []);
    while (this.#isLoaded) {
      const rows = await resumeOffsets();
      await sleep(MAX_FORGOTTEN_MS + LONGEST_RECOVERY_MS);
      for (const { partition, resume_offset } of rows) log.truncate(Number(partition), Number(resume_offset));
    }
  }

  async #live(when: string): Promise<void> {
    if (await this.#pass(SETTLE_MS, () => this.#cluster.isLive)) return;
    const states = this.#cluster.ingesters.map(
      ({ name, ingester }) => `${name} ${JSON.stringify(ingester?.status())}`,
    );
    throw new BrokenPromiseError(`the cluster is not live ${when}: ${states.join(', ')}`);
  }

  async #readEverything(when: string): Promise<void> {
    let isRead = false;
    let last: unknown;
    const attempts = async () => {
      while (!isRead) {
        try {
          await this.#read(START_MS - 60_000, this.#time.nowMs + 60_000);
          isRead = true;
        } catch (error) {
          if (error instanceof BrokenPromiseError) throw new BrokenPromiseError(`${when}: ${error.message}`);
          last = error;
          await sleep(500);
        }
      }
    };
    attempts().catch((error) => this.#fail(error));
    if (await this.#pass(SETTLE_MS, () => isRead)) return;
    throw new BrokenPromiseError(`nothing can be read ${when}: ${(last as Error | undefined)?.message}`);
  }

  async #pass(forMs: number, done: () => boolean = () => false): Promise<boolean> {
    const isDone = await this.#time.run(
      this.#time.nowMs + forMs,
      () => this.#failure !== undefined || done(),
    );
    if (this.#failure !== undefined) throw this.#failure;
    return isDone;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
  }

  #tell(line: string): void {
    this.#options.tell(`${((this.#time.nowMs - START_MS) / 1_000).toFixed(3).padStart(8)} ${line}`);
  }
}
