import type { Client, MatrixSeries } from './client.ts';
import { series, type TimeSeries } from './write-request.ts';

const SERIES_PER_WRITER = 40;
const SAMPLES_PER_BATCH = 3;
const STEP_MS = 10;
const METRIC = 'load_samples';

/**
 * Writes one batch after the other, as a sender with a queue does: a batch that wasn't acknowledged is
 * sent again until it is. Every value follows from its series and position, so what is stored can be checked.
 */
export class LoadWriter {
  readonly #name: string;
  readonly #startMs: number;
  /** Samples of each series that were acknowledged. */
  acknowledged = 0;
  /** Requests that ended without a 2xx. */
  failures = 0;
  #stopping = false;
  #work: Promise<void> = Promise.resolve();

  /** @param startMs timestamp of the first sample of every series */
  constructor(name: string, startMs: number) {
    this.#name = name;
    this.#startMs = startMs;
  }

  /** Starts, or goes on where the last acknowledged batch ended. */
  run(client: Client): void {
    this.#stopping = false;
    this.#work = this.#write(client);
  }

  /** Ends once the request under way is answered or has failed. */
  stop(): Promise<void> {
    this.#stopping = true;
    return this.#work;
  }

  async #write(client: Client): Promise<void> {
    while (!this.#stopping) {
      const answer = await client.push(this.#batch()).catch(() => undefined);
      if (answer && answer.status < 300) this.acknowledged += SAMPLES_PER_BATCH;
      else {
        this.failures++;
        if (answer && answer.status < 500) throw new Error(`${answer.status}: ${answer.text}`);
        this.#stopping = true;
      }
    }
  }

  #batch(): TimeSeries[] {
    return Array.from({ length: SERIES_PER_WRITER }, (_, number) => {
      const positions = Array.from({ length: SAMPLES_PER_BATCH }, (_, i) => this.acknowledged + i);
      const labels = { __name__: METRIC, writer: this.#name, number: String(number) };
      return series(
        labels,
        positions.map((i) => [this.#timestampMs(i), valueAt(number, i)] as const),
      );
    });
  }

  #timestampMs(position: number): number {
    return this.#startMs + position * STEP_MS;
  }

  /**
   * What is wrong with what is stored: every acknowledged sample is there exactly once with its value;
   * of the batch that was under way any part may be there too, unless `settled`.
   */
  async faults(client: Client, settled: boolean): Promise<string[]> {
    const possible = this.acknowledged + (settled ? 0 : SAMPLES_PER_BATCH);
    const endMs = this.#timestampMs(possible);
    const selector = `${METRIC}{writer="${this.#name}"}`;
    const stored = await client.samples(selector, endMs, endMs - this.#startMs + 1);
    const byNumber = new Map(stored.map((each) => [Number(each.metric.number), each]));
    const faults: string[] = [];
    for (let number = 0; number < SERIES_PER_WRITER; number++) {
      const fault = this.#faultOf(number, byNumber.get(number), possible);
      if (fault) faults.push(`writer ${this.#name} series ${number}: ${fault}`);
    }
    if (byNumber.size !== stored.length) faults.push(`writer ${this.#name}: a series twice`);
    return faults;
  }

  #faultOf(number: number, stored: MatrixSeries | undefined, possible: number): string | undefined {
    const values = stored?.values ?? [];
    if (values.length < this.acknowledged) return `${values.length} of ${this.acknowledged} samples`;
    if (values.length > possible) return `${values.length} samples, but only ${possible} were sent`;
    for (const [i, [time, value]] of values.entries()) {
      if (Math.round(time * 1000) !== this.#timestampMs(i)) return `sample ${i} is at ${time}`;
      if (Number(value) !== valueAt(number, i)) return `sample ${i} is ${value}`;
    }
    return undefined;
  }
}

function valueAt(number: number, position: number): number {
  return number * 1e7 + position + 0.25;
}
