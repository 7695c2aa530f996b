/** Exact accounting: for random mixes of good and bad parts in every protocol, sent = stored + refused by name. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type FloatHistogram, Labels } from '@xscaler/model';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { encodeExportRequest } from '@xscaler/wire/otlp';
import {
  encodeWriteRequest,
  encodeWriteRequestV2,
  type HistogramSample,
  type WriteSeriesV2,
} from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { counts, HEADERS, type MemoryLog, NOW_MS, setUp, textOf } from './distributor.testbed.ts';

const MAX_VALUE_LENGTH = 20;

function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

type Random = (below: number) => number;

function inLog(log: MemoryLog): { samples: number; histograms: number; exemplars: number } {
  const total = { samples: 0, histograms: 0, exemplars: 0 };
  const reader = new LogRecordReader();
  for (const { record } of log.records) {
    reader.decode(record);
    total.samples += reader.sampleCount;
    total.histograms += reader.histograms().length;
    total.exemplars += reader.exemplars().length;
  }
  return total;
}

/** The numbers in an answer's text: refused, stored, and the sum of those refused by name. */
function told(text: string): { refused: number; stored: number; named: number } {
  const [, refused, stored] = /^(\d+) samples refused, (\d+) stored/.exec(text) as RegExpExecArray;
  const [, inAll] = /refused in all: (.*)/.exec(text) as RegExpExecArray;
  let named = 0;
  for (const [, what, count] of inAll.matchAll(/(\w+) (\d+)/g)) {
    if (what !== 'exemplars' && what !== 'metadata') named += Number(count);
  }
  return { refused: Number(refused), stored: Number(stored), named };
}

interface Mix {
  readonly series: WriteSeriesV2[];
  /** Samples and histograms that must be refused. */
  readonly badSamples: number;
  readonly badHistograms: number;
  readonly samples: number;
  readonly histograms: number;
}

const HISTOGRAM: FloatHistogram = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 2,
  count: 5,
  sum: 1,
  positiveSpans: [{ offset: 0, length: 1 }],
  positiveBuckets: [3],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

function randomMix(random: Random): Mix {
  const series: WriteSeriesV2[] = [];
  const mix = { badSamples: 0, badHistograms: 0, samples: 0, histograms: 0 };
  for (let i = random(20); i >= 0; i--) {
    const isBad = random(8) === 0;
    const value = isBad ? 'x'.repeat(MAX_VALUE_LENGTH + 1) : `${random(40)}`;
    const timestamps = Array.from({ length: random(4) }, () =>
      random(8) === 0 ? random(1000) : NOW_MS + random(9),
    );
    const histograms: HistogramSample[] = Array.from({ length: random(3) }, () => ({
      timestampMs: random(8) === 0 ? random(1000) : NOW_MS + random(9),
      histogram: random(6) === 0 ? { ...HISTOGRAM, count: 6 } : HISTOGRAM,
      asFloats: false,
    }));
    mix.samples += timestamps.length;
    mix.histograms += histograms.length;
    mix.badSamples += timestamps.filter((timestampMs) => isBad || timestampMs < 1000).length;
    mix.badHistograms += histograms.filter(
      ({ timestampMs, histogram }) => isBad || timestampMs < 1000 || histogram.count === 6,
    ).length;
    series.push({ labels: Labels.of({ __name__: 'm', value }), timestamps, values: timestamps, histograms });
  }
  return { series, ...mix };
}

for (const version of [1, 2] as const) {
  test(`remote write ${version}.0: sent = stored + refused by name`, async () => {
    const { post, log, registry } = setUp({ max_label_value_length: MAX_VALUE_LENGTH }, {}, 3);
    const random = seeded(100 + version);
    const total = { sent: 0, bad: 0, histograms: 0 };
    for (let request = 0; request < 150; request++) {
      const { series, samples, histograms, badSamples, badHistograms } = randomMix(random);
      const bad = badSamples + badHistograms;
      const all = series.map((one) => ({ timestamps: [], values: [], ...one }));
      const answer = await (version === 1
        ? post(packSnappy(encodeWriteRequest(all)))
        : post(packSnappy(encodeWriteRequestV2(series)), {
            ...HEADERS,
            'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
          }));
      assert.equal(answer.status, bad === 0 ? 204 : 400);
      if (bad > 0) {
        assert.deepEqual(told(textOf(answer)), {
          refused: bad,
          stored: samples + histograms - bad,
          named: bad,
        });
      }
      if (version === 2) {
        const { headers } = answer;
        assert.equal(headers['x-prometheus-remote-write-samples-written'], `${samples - badSamples}`);
        assert.equal(
          headers['x-prometheus-remote-write-histograms-written'],
          `${histograms - badHistograms}`,
        );
      }
      total.sent += samples + histograms;
      total.bad += bad;
      total.histograms += histograms - badHistograms;
    }
    assert.deepEqual(await counts(registry), {
      received: total.sent,
      stored: total.sent - total.bad,
      refused: total.bad,
    });
    const stored = inLog(log);
    assert.deepEqual([stored.samples, stored.histograms], [total.sent - total.bad, total.histograms]);
    assert.ok(total.bad > 100 && total.histograms > 100);
  });
}

/** A random metric, with its number of points, of bad points, and of samples to be stored. */
function randomMetric(
  random: Random,
  i: number,
): { metric: object; points: number; bad: number; stored: number } {
  const kind = random(5);
  const samplesEach = kind === 2 ? 5 : kind === 4 ? 4 : 1;
  let bad = 0;
  const points = random(4);
  const dataPoints = Array.from({ length: points }, () => {
    const fault = random(6);
    if (fault <= 2) bad++;
    const attributes = [{ key: 'i', value: { intValue: i } }];
    if (fault === 1) attributes.push({ key: 'long', value: { stringValue: 'x'.repeat(21) } as never });
    const point = { timeUnixNano: fault === 0 ? '1000000' : `${NOW_MS + random(9)}000000`, attributes };
    const isBroken = fault === 2;
    if (kind === 2)
      return { ...point, count: 3, sum: 1, bucketCounts: [1, 1, 1], explicitBounds: isBroken ? [1] : [1, 2] };
    if (kind === 3) return { ...point, count: isBroken ? 4 : 3, zeroCount: 3, scale: 2 };
    if (kind === 4) {
      // Only the time and labels of a summary can be invalid.
      if (isBroken) point.timeUnixNano = '0';
      return {
        ...point,
        count: 1,
        sum: 1,
        quantileValues: [
          { quantile: 0.5, value: 1 },
          { quantile: 0.9, value: 2 },
        ],
      };
    }
    return isBroken ? point : { ...point, asDouble: 1 };
  });
  const isDelta = kind >= 1 && kind <= 3 && random(6) === 0;
  const aggregationTemporality = isDelta ? 1 : 2;
  const data = [
    { gauge: { dataPoints } },
    { sum: { dataPoints, aggregationTemporality, isMonotonic: true } },
    { histogram: { dataPoints, aggregationTemporality } },
    { exponentialHistogram: { dataPoints, aggregationTemporality } },
    { summary: { dataPoints } },
  ][kind];
  if (isDelta) bad = points;
  return { metric: { name: `m${i}`, ...data }, points, bad, stored: (points - bad) * samplesEach };
}

for (const format of ['protobuf', 'json'] as const) {
  test(`OTLP in ${format}: sent = stored + refused by name, in data points and in samples`, async () => {
    const { postOtlp, log, registry } = setUp({ max_label_value_length: MAX_VALUE_LENGTH }, {}, 3);
    const random = seeded(format === 'json' ? 7 : 8);
    let stored = 0;
    let refused = 0;
    for (let run = 0; run < 150; run++) {
      const metrics = Array.from({ length: random(8) }, (_, i) => randomMetric(random, i));
      const bad = metrics.reduce((sum, one) => sum + one.bad, 0);
      const good = metrics.reduce((sum, one) => sum + one.stored, 0);
      const request = {
        resourceMetrics: [{ scopeMetrics: [{ metrics: metrics.map(({ metric }) => metric) }] }],
      };
      const answer =
        format === 'json'
          ? await postOtlp(Buffer.from(JSON.stringify(request)), { 'content-type': 'application/json' })
          : await postOtlp(encodeExportRequest(request));
      assert.equal(answer.status, 200);
      const text = textOf(answer);
      assert.equal(text === '' || text === '{}', bad === 0);
      stored += good;
      if (bad === 0) continue;
      const partial = format === 'json' ? JSON.parse(text).partialSuccess : undefined;
      if (partial !== undefined) assert.equal(partial.rejectedDataPoints, `${bad}`);
      const message = partial?.errorMessage ?? text.slice(text.search(/\d+ samples refused/));
      const { refused: refusedSamples, stored: storedSamples, named } = told(message);
      assert.deepEqual([storedSamples, named], [good, refusedSamples]);
      refused += refusedSamples;
    }
    assert.deepEqual(await counts(registry), { received: stored + refused, stored, refused });
    assert.equal(inLog(log).samples, stored);
    assert.ok(refused > 100 && stored > 100);
  });
}
