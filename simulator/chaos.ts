import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '@xscaler/e2e/harness';
import type { Cluster } from './cluster.ts';
import type { SimulatedProcess } from './processes.ts';

/** What the database may forget at most when a replica of it takes over, ms. */
export const MAX_FORGOTTEN_MS = 8_000;

/** How far a clock is off that is wrong, ms. */
const WRONG_MS = 6_000;
const LONG_WRONG_MS = 3 * 3_600_000;

/** Breaks one thing after another, each for a while, until it is told to stop; then all is whole again. */
export class Chaos {
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #faults: readonly (() => Promise<void>)[];
  readonly #raisedFaults = new Set<string>();
  /** Those whose clocks are wrong. */
  readonly #wrong = new Set<SimulatedProcess>();
  #isOver = false;

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
    const { log, database, registry, network } = cluster.surroundings;
    this.#faults = [
      () => this.#kill(),
      () => this.#kill(),
      () => this.#pause(),
      () => this.#setClock(),
      () => this.#setClock(),
      () => this.#away('log', log),
      () => this.#away('database', database),
      () => this.#away('registry', registry),
      () => this.#forget(),
      () => this.#raised('calls are lost', network.faults, 'lostCalls', 0.3),
      () => this.#raised('answers are lost', network.faults, 'lostAnswers', 0.3),
      () => this.#raised('calls are slow', network.faults, 'maxDelayMs', 1_500),
      () => this.#raised('appends are doubled', log, 'doubledAppends', 0.4),
      () => this.#raised('transactions run twice', database, 'rerunTransactions', 0.5),
    ];
  }

  /** One lane of faults; several may run at once. */
  async run(): Promise<void> {
    while (!this.#isOver) {
      await sleep(this.#random.between(200, 6_000));
      if (this.#isOver) return;
      await this.#faults[this.#random.between(0, this.#faults.length)]();
    }
  }

  /** No new faults; those under way end by themselves. */
  stop(): void {
    this.#isOver = true;
  }

  async #kill(): Promise<void> {
    const process = this.#anyProcess();
    if (process.isAway) return;
    this.#tell(`kill ${process.name}`);
    process.kill();
    await sleep(this.#random.between(10, 8_000));
    // An upgrade meanwhile may have started it.
    if (!process.isAway) return;
    this.#tell(`start ${process.name}`);
    this.#cluster.start(process);
  }

  async #pause(): Promise<void> {
    const process = this.#anyProcess();
    const { actor } = process;
    if (process.isAway || actor.isPaused) return;
    const { time } = this.#cluster.surroundings;
    this.#tell(`pause ${process.name}`);
    time.pause(actor);
    await sleep(this.#random.between(100, 15_000));
    this.#tell(`resume ${process.name}`);
    time.resume(actor);
  }

  /** Beyond what is allowed, in a process that runs or starts; then it is set right. */
  async #setClock(): Promise<void> {
    const process = this.#anyProcess();
    // A release from before believes every clock.
    if (process.isAway || process.isOld || this.#wrong.has(process)) return;
    this.#wrong.add(process);
    const rightMs = process.actor.skewMs;
    const aheadMs = (this.#random.next() < 0.5 ? -1 : 1) * this.#random.between(WRONG_MS, LONG_WRONG_MS);
    this.#tell(`the clock of ${process.name} is set ${aheadMs} ms ahead`);
    if (this.#random.next() < 0.3) {
      process.kill();
      process.start(aheadMs);
    }
    const { actor } = process;
    actor.skewMs = aheadMs;
    await sleep(this.#random.between(500, 30_000));
    // A restart meanwhile gave it a correct one.
    actor.skewMs = rightMs;
    this.#wrong.delete(process);
    this.#tell(`the clock of ${process.name} is set right`);
  }

  async #away(name: string, server: { isAway: boolean }): Promise<void> {
    if (server.isAway) return;
    this.#tell(`${name} away`);
    server.isAway = true;
    await sleep(this.#random.between(100, 6_000));
    server.isAway = false;
    this.#tell(`${name} back`);
  }

  async #forget(): Promise<void> {
    const { database, time } = this.#cluster.surroundings;
    const forgottenMs = this.#random.between(1, MAX_FORGOTTEN_MS);
    this.#tell(`the database forgets the last ${forgottenMs} ms`);
    await database.forgetSince(time.nowMs - forgottenMs);
  }

  async #raised<K extends string>(
    what: string,
    faults: Record<K, number>,
    name: K,
    most: number,
  ): Promise<void> {
    // Two lanes may raise the same: the second leaves it unchanged.
    if (this.#raisedFaults.has(name)) return;
    this.#raisedFaults.add(name);
    const before = faults[name];
    faults[name] = Math.max(before, this.#random.next() * most);
    this.#tell(what);
    await sleep(this.#random.between(500, 8_000));
    faults[name] = before;
    this.#raisedFaults.delete(name);
    this.#tell(`no more: ${what}`);
  }

  #anyProcess(): SimulatedProcess {
    const { processes } = this.#cluster;
    return processes[this.#random.between(0, processes.length)];
  }

  #tell(line: string): void {
    this.#cluster.surroundings.tell(line);
  }
}
