import { type Client, type MatrixSeries, series, sleep, type TimeSeries } from '../../harness/index.ts';

const METRIC = 'steady_bucket';
const HISTOGRAMS = 16;
const BOUNDS = ['0.1', '0.5', '1', '5', '+Inf'];
const STEP_MS = 250;
const QUERY_EVERY_MS = 150;
const QUERY_RANGE_MS = 20_000;

/**
 * A sender of classic histograms and a reader that looks again and again whether one was ever seen in part: at every time that one
 * bucket of a histogram has, all of its buckets have their samples.
 */
export class HistogramLoad {
  readonly #client: Client;
  readonly #faults: string[] = [];
  readonly #stopping = new AbortController();
  #answeredQueries = 0;
  #work: Promise<unknown> = Promise.resolve();

  private constructor(client: Client) {
    this.#client = client;
  }

  static start(client: Client): HistogramLoad {
    const load = new HistogramLoad(client);
    load.#work = Promise.all([load.#write(), load.#read()]);
    return load;
  }

  get faults(): readonly string[] {
    return this.#faults;
  }

  get answeredQueries(): number {
    return this.#answeredQueries;
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#work;
  }

  async #write(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      // What is refused is left out: nobody waits for it.
      await this.#client.push(histogramsAt(Date.now())).catch(() => undefined);
      await sleep(STEP_MS);
    }
  }

  async #read(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await sleep(QUERY_EVERY_MS);
      const found = await this.#client.samples(METRIC, Date.now(), QUERY_RANGE_MS).catch(() => undefined);
      if (found === undefined) continue;
      this.#answeredQueries++;
      this.#faults.push(...faultsOf(found));
    }
  }
}

function histogramsAt(timeMs: number): TimeSeries[] {
  const buckets: TimeSeries[] = [];
  // Bucket by bucket, not histogram by histogram: what belongs together isn't next to each other.
  for (const [rank, le] of BOUNDS.entries()) {
    for (let histogram = 0; histogram < HISTOGRAMS; histogram++) {
      buckets.push(series({ __name__: METRIC, histogram: String(histogram), le }, [[timeMs, rank]]));
    }
  }
  return buckets;
}

function faultsOf(found: readonly MatrixSeries[]): string[] {
  const faults: string[] = [];
  for (const [histogram, buckets] of Map.groupBy(found, ({ metric }) => metric.histogram)) {
    const times = buckets.map(({ values }) => values.map(([time]) => time).join());
    if (buckets.length !== BOUNDS.length) faults.push(`histogram ${histogram}: ${buckets.length} buckets`);
    else if (new Set(times).size > 1) faults.push(`histogram ${histogram}: buckets apart`);
    for (const { metric, values } of buckets) {
      const wanted = String(BOUNDS.indexOf(metric.le));
      if (values.some(([, value]) => value !== wanted))
        faults.push(`histogram ${histogram}: another's value`);
    }
  }
  return faults;
}
