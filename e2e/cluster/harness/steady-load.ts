import { type Client, type MatrixSeries, series, sleep, type TimeSeries } from '../../harness/index.ts';

const METRIC = 'steady_samples';
const SERIES = 24;
const STEP_MS = 500;
/** What a sender that fell behind puts into one request. */
const MAX_POSITIONS_PER_REQUEST = 40;
const RETRY_MS = 200;
const QUERY_EVERY_MS = 500;
const QUERY_RANGE_MS = 60_000;

/** What went wrong and is allowed to, while something is down. */
export interface Failures {
  readonly writes: number;
  readonly queries: number;
  /** Of each the last text. */
  readonly lastWrite: string;
  readonly lastQuery: string;
}

/**
 * A sender and a reader of one tenant, both steady: a sample of every series each half second, sent again until it is
 * acknowledged; and queries over the last minute, each answer checked sample by sample. Every value follows from its series
 * and position. A reader may be refused; an answer with a hole, a double or a wrong value is a fault.
 */
export class SteadyLoad {
  readonly #client: Client;
  readonly #startMs: number;
  /** Positions, of every series, that were acknowledged; and those that were sent at all. */
  #acknowledged = 0;
  #sent = 0;
  readonly #faults: string[] = [];
  #failures: Failures = { writes: 0, queries: 0, lastWrite: '', lastQuery: '' };
  #answeredQueries = 0;
  readonly #stopping = new AbortController();
  #work: Promise<unknown> = Promise.resolve();

  private constructor(client: Client) {
    this.#client = client;
    this.#startMs = Math.floor(Date.now() / STEP_MS) * STEP_MS;
  }

  static start(client: Client): SteadyLoad {
    const load = new SteadyLoad(client);
    load.#work = Promise.all([load.#write(), load.#read()]);
    return load;
  }

  /** What answers had that they should not have, or lacked. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /** Refusals since the last look. */
  takeFailures(): Failures {
    const taken = this.#failures;
    this.#failures = { writes: 0, queries: 0, lastWrite: '', lastQuery: '' };
    return taken;
  }

  get acknowledged(): number {
    return this.#acknowledged;
  }

  get answeredQueries(): number {
    return this.#answeredQueries;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  /** Waits until nothing waits to be sent and queries are answered. @throws Error if that takes too long */
  async untilSteady(withinMs: number): Promise<void> {
    const deadlineMs = Date.now() + withinMs;
    const answered = this.#answeredQueries;
    while (this.#due() - this.#acknowledged > 4 || this.#answeredQueries < answered + 2) {
      if (Date.now() > deadlineMs) {
        const { lastWrite, lastQuery } = this.#failures;
        const state = `${this.#acknowledged} of ${this.#due()} written`;
        throw new Error(`not steady after ${withinMs} ms: ${state}; ${lastWrite}; ${lastQuery}`);
      }
      await sleep(100);
    }
  }

  /** Everything acknowledged so far, from the first sample on: what is wrong with it. Rejects if it can't be read. */
  async check(): Promise<string[]> {
    return this.checkUntil(this.#timeOf(this.#acknowledged - 1));
  }

  /** The same, of what has timestamps up to an instant, by a query that ends there. */
  async checkUntil(timeMs: number): Promise<string[]> {
    const last = Math.floor((timeMs - this.#startMs) / STEP_MS);
    if (last < 0) throw new Error('there is nothing up to then');
    return this.#faultsOf(await this.#samples(this.#startMs, this.#timeOf(last)), 0, last);
  }

  /** The timestamp of the first samples. */
  get startMs(): number {
    return this.#startMs;
  }

  async #write(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const count = Math.min(this.#due() - this.#acknowledged, MAX_POSITIONS_PER_REQUEST);
      if (count <= 0) {
        await sleep(STEP_MS / 4);
        continue;
      }
      this.#sent = Math.max(this.#sent, this.#acknowledged + count);
      const answer = await this.#client.push(this.#batch(this.#acknowledged, count)).then(
        ({ status, text }) => (status < 300 ? undefined : `${status}: ${text}`),
        (error: Error) => error.message,
      );
      if (answer === undefined) {
        this.#acknowledged += count;
        continue;
      }
      // A 4xx would make a real sender drop the samples: there is nothing wrong with them.
      if (answer.startsWith('4') && !answer.startsWith('429')) this.#faults.push(`write refused: ${answer}`);
      this.#failures = { ...this.#failures, writes: this.#failures.writes + 1, lastWrite: answer };
      await sleep(RETRY_MS);
    }
  }

  async #read(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await sleep(QUERY_EVERY_MS);
      const last = this.#acknowledged - 1;
      if (last < 0) continue;
      const first = Math.max(0, last - QUERY_RANGE_MS / STEP_MS);
      try {
        const found = await this.#samples(this.#timeOf(first), this.#timeOf(last));
        this.#answeredQueries++;
        for (const fault of this.#faultsOf(found, first, last))
          this.#faults.push(`${new Date().toISOString()} ${fault}`);
      } catch (error) {
        const lastQuery = `${new Date().toISOString()} ${(error as Error).message}`;
        this.#failures = { ...this.#failures, queries: this.#failures.queries + 1, lastQuery };
      }
    }
  }

  #due(): number {
    return Math.floor((Date.now() - this.#startMs) / STEP_MS);
  }

  #timeOf(position: number): number {
    return this.#startMs + position * STEP_MS;
  }

  #batch(first: number, count: number): TimeSeries[] {
    return Array.from({ length: SERIES }, (_, number) => {
      const samples = Array.from({ length: count }, (_, i) => [
        this.#timeOf(first + i),
        valueAt(number, first + i),
      ]);
      return series({ __name__: METRIC, number: String(number) }, samples as [number, number][]);
    });
  }

  #samples(fromMs: number, toMs: number): Promise<readonly MatrixSeries[]> {
    return this.#client.samples(METRIC, toMs, toMs - fromMs + 1);
  }

  /** Positions from `first` to `last`, every one of them once, by every series. */
  #faultsOf(found: readonly MatrixSeries[], first: number, last: number): string[] {
    const byNumber = new Map(found.map((each) => [Number(each.metric.number), each]));
    const faults: string[] = [];
    if (byNumber.size !== found.length) faults.push('a series twice');
    for (let number = 0; number < SERIES; number++) {
      const values = byNumber.get(number)?.values ?? [];
      const missing: number[] = [];
      const times = new Map(values.map(([time, value]) => [Math.round(time * 1000), Number(value)]));
      for (let position = first; position <= last; position++) {
        const value = times.get(this.#timeOf(position));
        if (value === undefined) missing.push(position);
        else if (value !== valueAt(number, position))
          faults.push(`series ${number} position ${position}: ${value}`);
      }
      if (missing.length > 0) {
        const [from, to] = [missing[0], missing.at(-1)];
        faults.push(
          `series ${number}: ${missing.length} of ${last - first + 1} missing, ${from} to ${to} of ${last}`,
        );
      }
      const surplus = values.length - (last - first + 1 - missing.length);
      if (surplus > 0) faults.push(`series ${number}: ${surplus} samples too many`);
    }
    return faults;
  }
}

function valueAt(number: number, position: number): number {
  return number * 1e6 + position + 0.25;
}
