import assert from 'node:assert/strict';
import test from 'node:test';
import { type Exemplar, Labels } from '@xscaler/model';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { encodeExportRequest } from '@xscaler/wire/otlp';
import { encodeWriteRequestV2, type WriteSeriesV2 } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { WriteLogError } from '@xscaler/writelog';
import fc from 'fast-check';
import { HEADERS, type MemoryLog, NOW_MS, setUp, textOf } from './distributor.testbed.ts';

const MINUTE_MS = 60_000;
const V2 = { ...HEADERS, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' };
/** A whole minute in the past, by which tests count. */
const START_MS = Math.floor(NOW_MS / MINUTE_MS) * MINUTE_MS - 110 * MINUTE_MS;

const exemplarAt = (timestampMs: number, trace = `${timestampMs}`): Exemplar => ({
  labels: Labels.of({ trace_id: trace }),
  value: 1,
  timestampMs,
});
const seriesWith = (exemplars: readonly Exemplar[], name = 'm') => ({
  labels: Labels.of({ __name__: name }),
  timestamps: [],
  values: [],
  exemplars,
});
const v2Body = (...all: WriteSeriesV2[]) => packSnappy(encodeWriteRequestV2(all));

/** Times of the exemplars in the log, in order, each as often as it occurs there. */
function timesIn(log: MemoryLog): number[] {
  const reader = new LogRecordReader();
  const times: number[] = [];
  for (const { record } of log.records) {
    reader.decode(record);
    for (const { exemplar } of reader.exemplars()) times.push(exemplar.timestampMs);
  }
  return times.sort((a, b) => a - b);
}

async function droppedBy({ registry }: ReturnType<typeof setUp>): Promise<unknown> {
  const metric = registry.getSingleMetric('xscaler_distributor_exemplars_refused_total');
  return ((await metric?.get())?.values ?? []).map(({ labels, value }) => [labels['reason'], value]);
}

const writtenOf = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
  headers['x-prometheus-remote-write-exemplars-written'];

test('by default senders of one exemplar a second, or of ten every fifteen seconds, lose none', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(999), { minLength: 90, maxLength: 90 }),
      fc.nat(14_999),
      async (places, shift) => {
        const bed = setUp();
        const begunMs = START_MS + shift;
        // A series to each exemplar, as Prometheus sends them.
        const single = places.map((place, i) =>
          seriesWith([exemplarAt(begunMs + 1_000 * i + place)], 'single'),
        );
        // Ten of a few milliseconds at each scrape.
        const tens = places.map((place, i) => {
          const timeMs = begunMs + 15_000 * Math.floor(i / 10) + (place % 50);
          return seriesWith([exemplarAt(timeMs, `${i}`)], 'native');
        });
        for (let from = 0; from < places.length; from += 10) {
          const some = [...single.slice(from, from + 10), ...tens.slice(from, from + 10)];
          assert.equal((await bed.push(some)).status, 204);
        }
        assert.equal(timesIn(bed.log).length, 180);
        assert.deepEqual(await droppedBy(bed), []);
      },
    ),
    { numRuns: 20 },
  );
});

test('a burst of a thousand in a second is thinned to the limit, and the minutes around it keep all', async () => {
  const bed = setUp({ max_samples_per_request: 0 });
  const trail = Array.from({ length: 60 }, (_, minute) => START_MS + minute * MINUTE_MS);
  for (const timeMs of trail.slice(0, 30)) await bed.push([seriesWith([exemplarAt(timeMs)])]);
  const burst = Array.from({ length: 1_000 }, (_, i) => exemplarAt(START_MS + 30_500 + i, `burst-${i}`));
  const answer = await bed.post(v2Body(seriesWith(burst)), V2);
  assert.equal(answer.status, 202);
  for (const timeMs of trail.slice(30)) await bed.push([seriesWith([exemplarAt(timeMs)])]);
  const kept = timesIn(bed.log).filter((timeMs) => !trail.includes(timeMs));
  // All of them lie in the slot from 30 to 35 s.
  assert.deepEqual(
    kept,
    [0, 64, 128, 256, 384, 512, 576, 640, 768, 896].map((i) => START_MS + 30_500 + i),
  );
  assert.deepEqual(
    timesIn(bed.log).filter((timeMs) => trail.includes(timeMs)),
    trail,
  );
  assert.equal(writtenOf(answer), '10');
  assert.deepEqual(await droppedBy(bed), [['too_many_exemplars', 990]]);
  const slots = await bed.registry.getSingleMetric('xscaler_distributor_exemplar_slots')?.get();
  assert.equal(slots?.values[0].value, 61);
  assert.match(
    textOf(answer),
    /\{__name__="m"\}: the series has more exemplars than max_exemplars_per_series_per_minute \(990 of 1000, limit 120\)/,
  );
});

test('in any order, each slot keeps up to its limit, and every exemplar is stored or named', async () => {
  const one = fc.record({ series: fc.nat(1), timeMs: fc.nat(30_000), trace: fc.nat(9) });
  const requests = fc.array(fc.array(one, { maxLength: 40 }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(requests, fc.constantFrom(0, 1, 2, 3, 9, 10, 11, 30, 120, 600), async (given, limit) => {
      const bed = setUp({ max_exemplars_per_series_per_minute: limit });
      const perSlot = limit === 0 ? Number.POSITIVE_INFINITY : Math.min(10, limit);
      const slotMs = (MINUTE_MS * Math.min(10, limit)) / limit;
      const slots = new Map<string, Set<string>>();
      for (const request of given) {
        const all = request.map(({ series, timeMs, trace }) =>
          seriesWith([exemplarAt(START_MS + timeMs, `${trace}`)], `m${series}`),
        );
        let stored = 0;
        for (const { series, timeMs, trace } of request) {
          const slot = `${series}/${limit === 0 ? 0 : Math.floor((START_MS + timeMs) / slotMs)}`;
          const kept = slots.get(slot) ?? new Set();
          slots.set(slot, kept);
          const key = `${timeMs} ${trace}`;
          if (kept.size === perSlot && !kept.has(key)) continue;
          kept.add(key);
          stored++;
        }
        const answer = await bed.post(v2Body(...all), V2);
        assert.equal(writtenOf(answer), String(stored));
        assert.equal(answer.status, stored < request.length ? 202 : 204);
      }
    }),
    { numRuns: 100 },
  );
});

test('an exemplar sent again is accepted again: it may not have been stored', async () => {
  const bed = setUp({ max_exemplars_per_series_per_minute: 1 });
  const body = v2Body(seriesWith([exemplarAt(START_MS, 'a')]));
  const other = v2Body(seriesWith([exemplarAt(START_MS + 5, 'b')]));
  for (let i = 0; i < 2; i++) assert.equal(writtenOf(await bed.post(body, V2)), '1');
  assert.equal(writtenOf(await bed.post(other, V2)), '0');
});

test('exemplars that could not be stored take no slot', async () => {
  const bed = setUp({ max_exemplars_per_series_per_minute: 1 }, {}, 1);
  bed.log.failing.set(0, new WriteLogError('unavailable', 'away'));
  assert.equal((await bed.push([seriesWith([exemplarAt(START_MS, 'a')])])).status, 503);
  bed.log.failing.clear();
  assert.equal((await bed.push([seriesWith([exemplarAt(START_MS + 5, 'b')])])).status, 204);
  assert.deepEqual(timesIn(bed.log), [START_MS + 5]);
});

test('a data point refused whole takes no slot, and one above the limit is stored with a warning', async () => {
  const bed = setUp({ max_exemplars_per_series_per_minute: 1, max_label_value_length: 4 });
  const histogram = (id: string, bounds: number[], trace: string) => ({
    name: 'h',
    histogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          timeUnixNano: `${START_MS}000000`,
          count: bounds.length + 1,
          bucketCounts: Array.from({ length: bounds.length + 1 }, () => 1),
          explicitBounds: bounds,
          attributes: [{ key: 'id', value: { stringValue: id } }],
          exemplars: [
            {
              timeUnixNano: `${START_MS}000000`,
              asDouble: 0.5,
              traceId: trace.repeat(32),
              spanId: trace.repeat(16),
            },
          ],
        },
      ],
    },
  });
  const send = (metric: object) =>
    bed.postOtlp(encodeExportRequest({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }));
  // The bucket of 123456 has a label `le` that is too long, after that of 1 with the exemplar.
  assert.match(textOf(await send(histogram('x', [1, 123456], 'a'))), /label_value_too_long/);
  assert.equal((await send(histogram('x', [1, 2], 'b'))).body.length, 0);
  assert.match(textOf(await send(histogram('x', [1, 2], 'c'))), /\(1 of 1, limit 1\)/);
  const stored = await bed.registry.getSingleMetric('xscaler_distributor_exemplars_stored_total')?.get();
  assert.equal(stored?.values[0].value, 1);
});

test('/debug shows a tenant how many exemplars were dropped, and of which series', async () => {
  const bed = setUp({ max_exemplars_per_series_per_minute: 2 });
  const burst = Array.from({ length: 9 }, (_, i) => exemplarAt(START_MS + i));
  assert.equal((await bed.push([seriesWith(burst, 'lossy')])).status, 202);
  const request = {
    tenant: 'acme',
    method: 'GET',
    path: '/debug',
    query: '',
    headers: {},
    body: new Uint8Array(),
  };
  const report = JSON.parse(textOf(await bed.distributor.handle(request, new AbortController().signal)));
  assert.deepEqual(report.droppedExemplars, {
    count: 7,
    series: '{__name__="lossy"}',
    at: new Date(NOW_MS).toISOString(),
  });
});

test('until every ingester reads version 3, exemplars go into records that older ones read', async () => {
  let recordVersion = 2;
  const bed = setUp({}, { recordVersion: () => recordVersion });
  await bed.push([seriesWith([exemplarAt(START_MS)])]);
  recordVersion = 3;
  await bed.push([seriesWith([exemplarAt(START_MS)])]);
  assert.deepEqual(
    bed.log.records.map(({ record }) => record[0]),
    [1, 3],
  );
});
