/** A data point that is several series (a classic histogram, a summary) is stored whole or not at all. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels } from '@xscaler/model';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { encodeWriteRequestV2 } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { counts, HEADERS, NOW_MS, setUp, stored, textOf } from './distributor.testbed.ts';

type Bed = ReturnType<typeof setUp>;

const TIME = `${NOW_MS}000000`;
const attribute = (key: string, value: string) => ({ key, value: { stringValue: value } });
const requestOf = (metrics: readonly object[]) => ({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] });

/** A classic histogram of `buckets` + 3 series: sum, count, its buckets and the infinite one. */
function histogramPoint(id: string, buckets: number, fields: object = {}): object {
  return {
    timeUnixNano: TIME,
    attributes: [attribute('id', id)],
    count: buckets,
    sum: 1,
    bucketCounts: Array.from({ length: buckets + 1 }, () => 1),
    explicitBounds: Array.from({ length: buckets }, (_, i) => i),
    ...fields,
  };
}

const histogram = (name: string, dataPoints: readonly object[]) => ({
  name,
  histogram: { aggregationTemporality: 2, dataPoints },
});

async function post(bed: Bed, metrics: readonly object[]): Promise<{ rejected: number; message: string }> {
  const body = Buffer.from(JSON.stringify(requestOf(metrics)));
  const answer = await bed.postOtlp(body, { 'content-type': 'application/json' });
  assert.equal(answer.status, 200, textOf(answer));
  const { partialSuccess } = JSON.parse(textOf(answer));
  return {
    rejected: Number(partialSuccess?.rejectedDataPoints ?? 0),
    message: partialSuccess?.errorMessage ?? '',
  };
}

/** How many series of each point (by its attribute `id`) the log has. */
function storedById({ log }: Bed): Map<string, number> {
  const ids = new Map<string, number>();
  for (const { labels } of stored(log)) {
    const id = labels.get('id') ?? '';
    ids.set(id, (ids.get(id) ?? 0) + 1);
  }
  return ids;
}

function exemplarsIn({ log }: Bed): number {
  const reader = new LogRecordReader();
  return log.records.reduce((sum, { record }) => {
    reader.decode(record);
    return sum + reader.exemplars().length;
  }, 0);
}

test('the series limit reached within a histogram refuses all of it once, and makes no series active', async () => {
  const bed = setUp({ max_global_series_per_user: 10 });
  const exemplars = [{ timeUnixNano: TIME, asDouble: 0, filteredAttributes: [attribute('t', '1')] }];
  const points = [
    histogramPoint('a', 3, { exemplars }),
    histogramPoint('b', 3, { exemplars }),
    histogramPoint('c', 1),
  ];
  const { rejected, message } = await post(bed, [histogram('h', points)]);
  assert.equal(rejected, 1);
  assert.deepEqual(
    [...storedById(bed)],
    [
      ['a', 6],
      ['c', 4],
    ],
  );
  assert.equal(message.match(/id="b"/g)?.length, 1, message);
  assert.match(message, /6 samples refused, 10 stored/);
  assert.match(message, /limit 10, with all 6 series of its data point/);
  assert.match(
    message,
    /6 series are active; fastest growing: metrics h_bucket \+4, h_sum \+1, h_count \+1;/,
  );
  assert.match(message, /refused in all: series_limit 6, exemplars 1/);
  assert.deepEqual(await counts(bed.registry), { received: 16, stored: 10, refused: 6 });
  assert.equal(exemplarsIn(bed), 1);
  assert.equal(bed.distributor.inspect().tenants[0].activeSeries, 10);
});

test('a label limit that only buckets exceed refuses sum and count too', async () => {
  const bed = setUp({ max_label_names_per_series: 2 });
  const summary = {
    name: 's',
    summary: {
      dataPoints: [
        {
          timeUnixNano: TIME,
          attributes: [attribute('id', 's')],
          count: 1,
          sum: 1,
          quantileValues: [{ quantile: 0.5, value: 1 }],
        },
      ],
    },
  };
  const gauge = {
    name: 'g',
    gauge: { dataPoints: [{ timeUnixNano: TIME, asDouble: 1, attributes: [attribute('id', 'g')] }] },
  };
  const { rejected, message } = await post(bed, [histogram('h', [histogramPoint('h', 2)]), summary, gauge]);
  assert.equal(rejected, 2);
  assert.deepEqual([...storedById(bed)], [['g', 1]]);
  assert.match(message, /8 samples refused, 1 stored/);
});

test('a point out of time is named once', async () => {
  const bed = setUp();
  const early = histogramPoint('a', 3, { timeUnixNano: '5000000' });
  const { rejected, message } = await post(bed, [histogram('h', [early])]);
  assert.equal(rejected, 1);
  assert.equal(message.match(/id="a"/g)?.length, 1, message);
  assert.match(message, /refused in all: too_old 6/);
});

test('buckets that relabelling drops do not move the others', async () => {
  const rule = { action: 'drop', source_labels: ['le'], regex: '1' };
  const { metric_relabel_configs } = limitsSchema.parse({ metric_relabel_configs: [rule] });
  const bed = setUp({ metric_relabel_configs, max_global_series_per_user: 5 });
  const points = [histogramPoint('a', 3), histogramPoint('b', 3)];
  assert.equal((await post(bed, [histogram('h', points)])).rejected, 1);
  assert.deepEqual([...storedById(bed)], [['a', 5]]);
  assert.deepEqual(await counts(bed.registry), { received: 12, stored: 5, refused: 7 });
});

test('a question raised within a point is decided for the whole point', async () => {
  let asked = 0;
  const load = async () => {
    asked++;
    return new Uint32Array();
  };
  const total = async () => ({ count: 4, ageMs: 0 });
  const bed = setUp({ max_global_series_per_user: 7 }, { activeSeries: load, activeTotal: total });
  await post(bed, [histogram('h', [histogramPoint('a', 1)])]);
  await new Promise((next) => setImmediate(next));
  bed.clock.nowMs += 60_000;
  const { rejected } = await post(bed, [histogram('h', [histogramPoint('a', 1), histogramPoint('b', 1)])]);
  assert.equal(rejected, 1);
  assert.ok(asked > 1);
  assert.deepEqual([...storedById(bed)], [['a', 8]]);
});

test('a histogram stays in one record of its partition, even a large one', async () => {
  const bed = setUp({ max_label_value_length: 9_000_000, max_samples_per_request: 0 }, {}, 1);
  const long = attribute('long', 'x'.repeat(20_000));
  const points = Array.from({ length: 12 }, (_, i) =>
    histogramPoint(`${i}`, 9, { attributes: [attribute('id', `${i}`), long] }),
  );
  await post(bed, [histogram('h', points)]);
  assert.ok(bed.log.records.length > 3);
  const reader = new LogRecordReader();
  for (const { record } of bed.log.records) {
    reader.decode(record);
    const ids = Array.from({ length: reader.seriesCount }, (_, i) => reader.labelsOf(i).get('id'));
    for (const id of new Set(ids)) assert.equal(ids.filter((one) => one === id).length, 12);
  }
});

test('by remote write 2.0 a series is refused with all its samples, histograms and exemplars, or one sample for its time', async () => {
  const bed = setUp({ max_global_series_per_user: 1 });
  const many = (id: string) => ({
    labels: Labels.of({ __name__: 'm', id }),
    timestamps: [NOW_MS, NOW_MS + 1, 5],
    values: [1, 2, 3],
    exemplars: [{ labels: Labels.of({ t: '1' }), value: 1, timestampMs: NOW_MS }],
  });
  const body = packSnappy(encodeWriteRequestV2([many('a'), many('b')]));
  const answer = await bed.post(body, {
    ...HEADERS,
    'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
  });
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /refused in all: too_old 1, series_limit 3, exemplars 1/);
  assert.equal(answer.headers['x-prometheus-remote-write-samples-written'], '2');
  assert.equal(answer.headers['x-prometheus-remote-write-exemplars-written'], '1');
  assert.deepEqual([...storedById(bed)], [['a', 1]]);
});

/** A point of some kind, and the label sets it becomes, by their distinguishing label. */
interface RandomPoint {
  readonly kind: 'histogram' | 'summary' | 'gauge' | 'exponentialHistogram';
  readonly id: string;
  readonly point: object;
  readonly series: readonly string[];
  /** Whether it has to be refused whatever the series limit is. */
  readonly isBad: boolean;
}

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomPoint(random: (below: number) => number, timeMs: number): RandomPoint {
  const kinds = ['histogram', 'summary', 'gauge', 'exponentialHistogram'] as const;
  const kind = kinds[random(4)];
  const isOld = random(12) === 0;
  const isLong = random(12) === 0;
  const id = `${random(30)}${isLong ? 'long'.repeat(9) : ''}`;
  const point = {
    timeUnixNano: isOld ? '7000000' : `${timeMs}000000`,
    attributes: [attribute('id', id), attribute('time', `${timeMs}`)],
    count: 3,
    sum: 1,
  };
  const isBad = isOld || isLong;
  const of = (...suffixes: string[]) => suffixes.map((suffix) => `${kind}${suffix} ${id}`);
  if (kind === 'gauge') return { kind, id, point: { ...point, asDouble: 1 }, series: of(''), isBad };
  if (kind === 'exponentialHistogram')
    return { kind, id, point: { ...point, zeroCount: 3 }, series: of(''), isBad };
  const size = random(6);
  const numbers = Array.from({ length: size }, (_, i) => i / 10);
  if (kind === 'summary') {
    const quantileValues = numbers.map((quantile) => ({ quantile, value: 1 }));
    const series = of('_sum', '_count', ...numbers.map((quantile) => `_${quantile}`));
    return { kind, id, point: { ...point, quantileValues }, series, isBad };
  }
  const bucketCounts = [3, ...numbers.map(() => 0)];
  const series = of('_sum', '_count', ...numbers.map((bound) => `_${bound}`), '_Inf');
  return { kind, id, point: { ...point, bucketCounts, explicitBounds: numbers }, series, isBad };
}

test('of random points under a series limit, those sent are those stored whole and those refused by name', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const maxSeries = 20 + random(150);
    const limits = {
      max_global_series_per_user: maxSeries,
      max_label_value_length: 20,
      drop_labels: ['time'],
    };
    const bed = setUp(limits, {}, 1 + random(4));
    const active = new Set<string>();
    let sentSamples = 0;
    let expectedSamples = 0;
    for (let request = 0; request < 6; request++) {
      const timeMs = NOW_MS + request;
      const points = Array.from({ length: random(25) }, () => randomPoint(random, timeMs));
      const before = bed.log.records.length;
      const metrics = points.map(({ kind, point }) => ({
        name: kind,
        [kind]: { dataPoints: [point], aggregationTemporality: 2 },
      }));
      const { rejected, message } = await post(bed, metrics);
      let bad = 0;
      let samples = 0;
      for (const { series, isBad } of points) {
        sentSamples += series.length;
        const fresh = series.filter((one) => !active.has(one));
        if (isBad || (fresh.length > 0 && active.size + fresh.length > maxSeries)) bad++;
        else {
          for (const one of series) active.add(one);
          samples += series.length;
        }
      }
      expectedSamples += samples;
      assert.equal(
        /(\d+) stored/.exec(message)?.[1] ?? `${samples}`,
        `${samples}`,
        `seed ${seed}: ${message}`,
      );
      assert.equal(rejected, bad, message);
      const reader = new LogRecordReader();
      const inLog = bed.log.records.slice(before).reduce((sum, { record }) => {
        reader.decode(record);
        return sum + reader.sampleCount;
      }, 0);
      assert.equal(inLog, samples, `seed ${seed}`);
    }
    assert.equal(bed.distributor.inspect().tenants[0].activeSeries, active.size, `seed ${seed}`);
    assert.deepEqual(await counts(bed.registry), {
      received: sentSamples,
      stored: expectedSamples,
      refused: sentSamples - expectedSamples,
    });
  }
});
