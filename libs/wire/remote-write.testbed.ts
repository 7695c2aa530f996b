/** What the fuzz tests of remote write 1.0 and 2.0 share: a request, damaged again and again. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Labels } from '@xscaler/model';
import { fuzz } from '@xscaler/testkit';
import fc from 'fast-check';
import type { SeriesSource } from './labels/series-source.ts';
import type { WriteSeries } from './remote-write-v1/request-encoder.ts';
import type { WriteSeriesV2 } from './remote-write-v2/request-encoder.ts';
import { anyHistogram, type ReadRequest, readSource } from './wire.testbed.ts';

type Read = ReadRequest['series'][number];
/** What either version can send. */
type SentSeries = WriteSeries & WriteSeriesV2;

export interface FuzzedFormat {
  readonly reader: SeriesSource & { reset(body: Uint8Array): void };
  readonly encode: (series: readonly SentSeries[]) => Uint8Array;
}

/** Every mutation decodes or is refused as one of the errors that are; what decodes means the same once encoded again. */
export async function fuzzFormat(t: TestContext, { reader, encode }: FuzzedFormat): Promise<void> {
  const read = (body: Uint8Array): ReadRequest => {
    reader.reset(body);
    return readSource(reader);
  };
  let compared = 0;
  const decodes = (damaged: Uint8Array, run: number): boolean => {
    let request: ReadRequest;
    try {
      request = read(damaged);
    } catch (error) {
      const { name, stack } = error as Error;
      assert.ok(['DecodeError', 'TooLargeError'].includes(name), String(stack));
      return false;
    }
    if (run % 10 > 0) return true;
    const series = request.series.filter(canBeEncoded);
    compared += series.length;
    const again = read(encode(series.map(toSent))).series;
    assert.deepEqual(again.map(comparable), series.map(comparable));
    return true;
  };
  await fuzz(t, { everyDay: 20_000, bodies: [encode(everything())], decodes });
  assert.ok(compared > 500, `${compared}`);
}

function everything(): SentSeries[] {
  return fc.sample(anyHistogram, { numRuns: 3, seed: 5 }).map((histogram, i) => ({
    labels: Labels.of({ __name__: 'requests_total', instance: `10.0.0.${i}:9090`, job: 'api' }),
    timestamps: [1_700_000_000_000, 1_700_000_015_000],
    values: [i, Number.NaN],
    startTimes: [1_600_000_000_000, 0],
    histograms: [{ timestampMs: 1_700_000_000_000, histogram, startMs: 3 }],
    exemplars: [{ labels: Labels.of({ trace_id: 'abc' }), value: 1, timestampMs: 3 }],
    metadata: { type: 'counter', help: 'Help.', unit: 'u' },
  }));
}

/** Times beyond 53 bits are infinities, and bytes that aren't UTF-8 another text: neither has a way back. */
function canBeEncoded({ timestamps, startTimes, histograms, exemplars, fault }: Read): boolean {
  const times = [
    ...timestamps,
    ...(startTimes ?? []),
    ...histograms.flatMap(({ timestampMs, startMs }) => [timestampMs, startMs]),
    ...exemplars.map((exemplar) => exemplar?.timestampMs ?? 0),
  ];
  return fault === undefined && times.every(Number.isFinite);
}

function toSent({ labels, timestamps, words, startTimes, histograms, exemplars }: Read): SentSeries {
  return {
    labels,
    timestamps,
    values: new Float64Array(Uint32Array.from(words).buffer),
    ...(startTimes === undefined ? {} : { startTimes }),
    histograms: histograms.flatMap(({ histogram, timestampMs, startMs }) =>
      histogram === undefined ? [] : [{ histogram, timestampMs, startMs }],
    ),
    exemplars: exemplars.filter((exemplar) => exemplar !== undefined),
  };
}

function comparable({ labels, timestamps, words, startTimes, histograms, exemplars }: Read) {
  return {
    labels: labels.pairs,
    timestamps,
    words,
    startTimes: startTimes?.some((startMs) => startMs !== 0) ? startTimes : undefined,
    histograms: histograms.filter(({ histogram }) => histogram !== undefined),
    exemplars: exemplars.flatMap((exemplar) =>
      exemplar === undefined ? [] : [[exemplar.labels.pairs, exemplar.value, exemplar.timestampMs]],
    ),
  };
}
