/** While an SDK writes classic histograms nobody ever sees one of which some buckets are of another write than the others. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { AggregationType, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { type Client, eventually, type VectorSample, Xscaler } from './harness/index.ts';

const PARTITIONS = 4;
const HISTOGRAMS = 24;
/** What every write adds to every histogram: one observation to the first bucket, one to the next, and so on. */
const OBSERVED = [0.05, 0.3, 0.7, 3, 12];
const BOUNDS = [0.1, 0.5, 1, 5];
/** Of n writes, the bucket of each bound has this many times n. */
const PER_WRITE: Readonly<Record<string, number>> = { '0.1': 1, '0.5': 2, '1': 3, '5': 4, '+Inf': 5 };
/** Four fifths into the third bucket: any other number of writes in any bucket moves it. */
const QUANTILE = 0.56;
const QUANTILE_VALUE = 0.9;

const READS = 250;

type Histogram = ReturnType<ReturnType<MeterProvider['getMeter']>['createHistogram']>;

class Sender {
  writes = 0;
  readonly #provider: MeterProvider;
  readonly #histogram: Histogram;
  #stopped = false;
  #work: Promise<void> = Promise.resolve();

  constructor(url: string, headers: Record<string, string>) {
    const exporter = new OTLPMetricExporter({ url, headers });
    const boundaries = BOUNDS;
    this.#provider = new MeterProvider({
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
      views: [
        {
          instrumentName: '*',
          aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries } },
        },
      ],
    });
    this.#histogram = this.#provider.getMeter('e2e').createHistogram('whole');
  }

  start(): void {
    this.#work = this.#write();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
    await this.#provider.shutdown();
  }

  async #write(): Promise<void> {
    while (!this.#stopped) {
      for (let histogram = 0; histogram < HISTOGRAMS; histogram++) {
        for (const value of OBSERVED) this.#histogram.record(value, { histogram: `${histogram}` });
      }
      await this.#provider.forceFlush();
      this.writes++;
    }
  }
}

/** Of how many writes each histogram was seen; throws if its buckets are not all of one. */
function writesSeen(buckets: readonly VectorSample[]): number[] {
  const seen: number[] = [];
  for (const [histogram, own] of Map.groupBy(buckets, ({ metric }) => metric.histogram)) {
    const writes = own.map(({ metric, value }) => Number(value[1]) / PER_WRITE[metric.le]);
    assert.equal(own.length, BOUNDS.length + 1, `histogram ${histogram}`);
    assert.equal(new Set(writes).size, 1, `histogram ${histogram}: ${JSON.stringify(own)}`);
    seen.push(writes[0]);
  }
  return seen;
}

/** A moment ahead of the clock, so that what was written last is seen at once. */
async function ask(client: Client, query: string, headers: readonly (readonly [string, string])[]) {
  const time = (Date.now() + 1_000) / 1000;
  const path = `/api/v1/query?query=${encodeURIComponent(query)}&time=${time}`;
  const answer = await client.raw(path, { headers: [...client.credentials, ...headers] });
  assert.equal(answer.status, 200, answer.text);
  return JSON.parse(answer.text).data.result as VectorSample[];
}

for (const [reads, headers] of [
  ['strong', []],
  ['eventual', [['x-read-consistency', 'eventual']]],
] as const) {
  test(`histograms under way are seen whole or not at all, by ${reads} reads`, async (t) => {
    const xscaler = await Xscaler.start({
      env: { XSCALER_SELF_METRICS_INTERVAL: '1h', XSCALER_WRITE_LOG_PARTITIONS: `${PARTITIONS}` },
    });
    t.after(() => xscaler.dispose());
    const client = xscaler.client();
    const sender = new Sender(`${xscaler.url}/otlp/v1/metrics`, Object.fromEntries(client.credentials));
    sender.start();
    t.after(() => sender.stop());
    await eventually('every histogram is readable', 60_000, async () =>
      (await ask(client, 'whole_bucket{le="+Inf"}', [])).length === HISTOGRAMS ? true : undefined,
    );
    const seen = new Set<number>();
    const readBuckets = async () => {
      for (let i = 0; i < READS; i++)
        for (const writes of writesSeen(await ask(client, 'whole_bucket', headers))) seen.add(writes);
    };
    const readQuantiles = async () => {
      for (let i = 0; i < READS; i++) {
        const quantiles = await ask(client, `histogram_quantile(${QUANTILE}, whole_bucket)`, headers);
        assert.equal(quantiles.length, HISTOGRAMS);
        for (const { metric, value } of quantiles)
          assert.ok(
            Math.abs(Number(value[1]) - QUANTILE_VALUE) < 1e-9,
            `${JSON.stringify(metric)} ${value[1]}`,
          );
      }
    };
    await Promise.all([readBuckets(), readBuckets(), readQuantiles()]);
    assert.ok(seen.size > 10, `of ${sender.writes} writes ${seen.size} were seen`);
  });
}
