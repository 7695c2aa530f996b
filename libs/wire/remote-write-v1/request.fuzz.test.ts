import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels } from '@xscaler/model';
import fc from 'fast-check';
import {
  anyHistogram,
  fuzzRuns,
  mutate,
  type ReadRequest,
  readSource,
  seededRandom,
} from '../wire.testbed.ts';
import { encodeWriteRequest, type WriteSeries } from './request-encoder.ts';
import { WriteRequestReader } from './request-reader.ts';

const reader = new WriteRequestReader();

function read(body: Uint8Array): ReadRequest {
  reader.reset(body);
  return readSource(reader);
}

test('mutated requests decode or are refused; what decodes means the same once encoded again', () => {
  const histogram = fc.sample(anyHistogram, { numRuns: 3, seed: 5 });
  const body = encodeWriteRequest(
    histogram.map((one, i) => ({
      labels: Labels.of({ __name__: 'requests_total', instance: `10.0.0.${i}:9090`, job: 'api' }),
      timestamps: [1_700_000_000_000, 1_700_000_015_000],
      values: [i, Number.NaN],
      histograms: [{ timestampMs: 1_700_000_000_000, histogram: one, startMs: 3 }],
      exemplars: [{ labels: Labels.of({ trace_id: 'abc' }), value: 1, timestampMs: 3 }],
    })),
  );
  const random = seededRandom(816);
  let decoded = 0;
  for (let run = 0; run < fuzzRuns(20_000); run++) {
    let request: ReadRequest;
    try {
      request = read(mutate(body, random));
    } catch (error) {
      assert.ok(
        ['DecodeError', 'TooLargeError'].includes((error as Error).name),
        String((error as Error).stack),
      );
      continue;
    }
    if (run % 10 > 0) continue;
    const series = request.series.filter((one) => canBeEncoded(one));
    decoded += series.length;
    const again = read(encodeWriteRequest(series.map(toSent))).series;
    assert.deepEqual(again.map(comparable), series.map(comparable));
  }
  assert.ok(decoded > 500);
});

type Read = ReadRequest['series'][number];

/** Times beyond 53 bits are infinities, and bytes that aren't UTF-8 another text: neither has a way back. */
function canBeEncoded({ timestamps, histograms, exemplars, fault }: Read): boolean {
  const times = [
    ...timestamps,
    ...histograms.flatMap(({ timestampMs, startMs }) => [timestampMs, startMs]),
    ...exemplars.map((exemplar) => exemplar?.timestampMs ?? 0),
  ];
  return fault === undefined && times.every(Number.isFinite);
}

function toSent({ labels, timestamps, words, histograms, exemplars }: Read): WriteSeries {
  return {
    labels,
    timestamps,
    values: new Float64Array(Uint32Array.from(words).buffer),
    histograms: histograms.flatMap(({ histogram, timestampMs, startMs }) =>
      histogram === undefined ? [] : [{ histogram, timestampMs, startMs }],
    ),
    exemplars: exemplars.filter((exemplar) => exemplar !== undefined),
  };
}

function comparable({ labels, timestamps, words, histograms, exemplars }: Read) {
  return {
    labels: labels.pairs,
    timestamps,
    words,
    histograms: histograms.filter(({ histogram }) => histogram !== undefined),
    exemplars: exemplars.flatMap((exemplar) =>
      exemplar === undefined ? [] : [[exemplar.labels.pairs, exemplar.value, exemplar.timestampMs]],
    ),
  };
}
