/**
 * The sender of `overload.ts`, in a process of its own: what keeps one of them busy doesn't make the other late.
 * It gets one `LoadSource`, says that it is ready, and then answers every `LoadPhase` with its `LoadOutcome`.
 */
import { sleep } from '@xscaler/e2e/harness';
import { FreshWrites } from './fresh-writes.ts';
import type { Receiver } from './receivers.ts';
import type { WorkloadShape } from './workload.ts';
import { WriteConnection } from './write-connection.ts';

export interface LoadSource {
  readonly receiver: Pick<Receiver, 'url' | 'path' | 'headers'>;
  readonly shape: WorkloadShape;
}

/** Without `perSecond` each connection sends as soon as it has its answer; else requests are sent when they are due. */
export interface LoadPhase {
  readonly seconds: number;
  /** At most. */
  readonly connections: number;
  readonly perSecond?: number;
}

/** Times in ms; a request takes from when it was due until its answer. */
export interface LoadOutcome {
  /** Answered 2xx. */
  readonly accepted: Float64Array;
  /** Answered 429 or 503 with Retry-After. */
  readonly turnedAway: Float64Array;
  /** From when a request was due until it was given to a socket: what the sender itself has to answer for. */
  readonly late: Float64Array;
  /** Seconds of Retry-After → how often. */
  readonly retryAfter: ReadonlyMap<number, number>;
  /** Every other end of a request → how often. */
  readonly faults: ReadonlyMap<string, number>;
}

class Load {
  readonly #receiver: LoadSource['receiver'];
  readonly #writes: FreshWrites;

  constructor({ receiver, shape }: LoadSource) {
    this.#receiver = receiver;
    this.#writes = new FreshWrites(shape);
  }

  async run(phase: LoadPhase): Promise<LoadOutcome> {
    const connections = Array.from({ length: phase.connections }, () => new WriteConnection(this.#receiver));
    const tally = new Tally();
    if (phase.perSecond === undefined) await this.#closedLoop(phase, connections, tally);
    else await this.#openLoop(phase, phase.perSecond, connections, tally);
    for (const connection of connections) connection.close();
    return tally.outcome();
  }

  async #closedLoop({ seconds }: LoadPhase, connections: WriteConnection[], tally: Tally): Promise<void> {
    await Promise.all(
      connections.map(async (connection) => {
        while (tally.elapsedMs < seconds * 1_000) await this.#send(connection, tally, performance.now());
      }),
    );
  }

  /** What is due while every connection waits for an answer is late, and sent as soon as there is one. */
  async #openLoop(
    { seconds }: LoadPhase,
    perSecond: number,
    idle: WriteConnection[],
    tally: Tally,
  ): Promise<void> {
    const underWay = new Set<Promise<void>>();
    for (let sent = 0; sent < perSecond * seconds; ) {
      const due = Math.min(perSecond * seconds, (tally.elapsedMs * perSecond) / 1_000);
      for (; sent < due && idle.length > 0; sent++) {
        const connection = idle.pop() as WriteConnection;
        const one = this.#send(connection, tally, tally.startMs + (sent * 1_000) / perSecond).then(() => {
          underWay.delete(one);
          idle.push(connection);
        });
        underWay.add(one);
      }
      await sleep(1);
    }
    await Promise.all(underWay);
  }

  async #send(connection: WriteConnection, tally: Tally, dueMs: number): Promise<void> {
    const body = this.#writes.next();
    tally.late.push(performance.now() - dueMs);
    try {
      const { status, retryAfter } = await connection.send(body);
      tally.answered(status, retryAfter, performance.now() - dueMs);
    } catch (error) {
      tally.fault((error as Error).message);
    }
  }
}

class Tally {
  readonly startMs = performance.now();
  readonly late: number[] = [];
  readonly #accepted: number[] = [];
  readonly #turnedAway: number[] = [];
  readonly #retryAfter = new Map<number, number>();
  readonly #faults = new Map<string, number>();

  get elapsedMs(): number {
    return performance.now() - this.startMs;
  }

  answered(status: number, retryAfter: number | undefined, tookMs: number): void {
    if (status < 300) {
      this.#accepted.push(tookMs);
    } else if ((status === 429 || status === 503) && retryAfter !== undefined) {
      this.#turnedAway.push(tookMs);
      this.#retryAfter.set(retryAfter, (this.#retryAfter.get(retryAfter) ?? 0) + 1);
    } else {
      this.fault(String(status));
    }
  }

  fault(text: string): void {
    this.#faults.set(text, (this.#faults.get(text) ?? 0) + 1);
  }

  outcome(): LoadOutcome {
    return {
      accepted: Float64Array.from(this.#accepted),
      turnedAway: Float64Array.from(this.#turnedAway),
      late: Float64Array.from(this.late),
      retryAfter: this.#retryAfter,
      faults: this.#faults,
    };
  }
}

let load: Load | undefined;
process.on('message', async (message: LoadSource | LoadPhase) => {
  if ('receiver' in message) {
    load = new Load(message);
    process.send?.('ready');
  } else {
    process.send?.(await (load as Load).run(message));
  }
});
process.on('disconnect', () => process.exit());
