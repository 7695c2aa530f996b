import assert from 'node:assert/strict';
import test from 'node:test';
import type { FloatHistogram } from '@xscaler/model';
import { Labels } from '@xscaler/model';
import type { Limits } from '@xscaler/tenancy';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { encodeExportRequest } from '@xscaler/wire/otlp';
import { encodeWriteRequest, type WriteSeries } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { HEADERS, NOW_MS, series, setUp, textOf } from './distributor.testbed.ts';
import { INTENDED, REASONS, type Reason } from './outcome/refusals.ts';

/** A request that is refused for a reason, under some limits. */
interface Provocation {
  readonly limits?: Partial<Limits>;
  readonly send: (bed: ReturnType<typeof setUp>) => Promise<{ status: number; text: string }>;
  /** Kind of the refused parts; samples if absent. */
  readonly kind?: 'exemplars' | 'metadata';
  /** Number of them; one if absent. */
  readonly count?: number;
}

const V2 = { ...HEADERS, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' };
const LONG = 'x'.repeat(50);

/** Sends requests by remote write 1.0 in turn; returns the outcome of the last. */
function pushes(...requests: WriteSeries[][]): Provocation['send'] {
  return async ({ post }) => {
    let last = { status: 0, text: '' };
    for (const request of requests) {
      const answer = await post(packSnappy(encodeWriteRequest(request)));
      last = { status: answer.status, text: textOf(answer) };
    }
    return last;
  };
}

const pushed = (...all: WriteSeries[]) => pushes(all);
const labelled = (pairs: string[]): WriteSeries => ({
  labels: Labels.fromSorted(pairs),
  timestamps: [NOW_MS],
  values: [1],
});

/** Bytes of a remote write 1.0 body. */
const raw =
  (...bytes: number[]): Provocation['send'] =>
  async ({ post }) => {
    const answer = await post(packSnappy(Uint8Array.from(bytes)));
    return { status: answer.status, text: textOf(answer) };
  };

/** A series of a remote write 2.0 body: such bytes, and a sample. */
const v2 =
  (...bytes: number[]): Provocation['send'] =>
  async ({ post }) => {
    const sample = [0x12, 0];
    const message = [...bytes, ...sample];
    const answer = await post(packSnappy(Uint8Array.from([0x22, 0, 0x2a, message.length, ...message])), V2);
    return { status: answer.status, text: textOf(answer) };
  };

/** One metric by OTLP; a partial success counts as a refusal. */
const otlp =
  (metric: object): Provocation['send'] =>
  async ({ postOtlp }) => {
    const body = encodeExportRequest({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] });
    const answer = await postOtlp(body);
    return { status: answer.body.length > 0 ? 400 : answer.status, text: textOf(answer) };
  };

const POINT = { timeUnixNano: `${NOW_MS}000000`, asDouble: 1 };
const BROKEN: FloatHistogram = {
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 5,
  sum: 1,
  positiveSpans: [{ offset: 0, length: 1 }],
  positiveBuckets: [3],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

const withExemplar = (labels: Record<string, string> | string[], timestampMs = NOW_MS): WriteSeries => ({
  ...series({ __name__: 'm' }),
  exemplars: [
    { labels: Array.isArray(labels) ? Labels.fromSorted(labels) : Labels.of(labels), value: 1, timestampMs },
  ],
});

/** A reason that is forgotten here doesn't compile. */
const PROVOCATIONS: Readonly<Record<Reason, Provocation>> = {
  too_old: { send: pushed(series({ a: '1' }, NOW_MS - 7_200_001)) },
  too_far_in_future: { send: pushed(series({ a: '1' }, NOW_MS + 600_001)) },
  no_labels: { send: pushed(labelled([])) },
  empty_label_name: { send: pushed(labelled(['', 'x'])) },
  repeated_label_name: { send: pushed(labelled(['a', 'x', 'a', 'y'])) },
  // A label "a" of the byte 0xff, and an empty sample: time 0.
  invalid_utf8: { send: raw(0x0a, 0x0a, 0x0a, 6, 0x0a, 1, 0x61, 0x12, 1, 0xff, 0x12, 0) },
  too_many_labels: {
    limits: { max_label_names_per_series: 1 },
    send: pushed(series({ a: '1', b: '1' })),
  },
  label_name_too_long: { limits: { max_label_name_length: 9 }, send: pushed(series({ [LONG]: '1' })) },
  label_value_too_long: { limits: { max_label_value_length: 9 }, send: pushed(series({ a: LONG })) },
  metric_name_too_long: {
    limits: { max_metric_name_length: 9 },
    send: pushed(series({ __name__: LONG })),
  },
  labels_too_long: {
    limits: { max_label_value_length: 9_000_000 },
    send: pushed(series({ a: 'x'.repeat(1_100_000) })),
  },
  series_limit: {
    limits: { max_global_series_per_user: 1 },
    send: pushed(series({ a: '1' }), series({ a: '2' })),
  },
  too_many_ha_clusters: {
    limits: { ha_max_clusters: 1 },
    send: pushed(series({ cluster: '1', __replica__: 'a' }), series({ cluster: '2', __replica__: 'a' })),
  },
  ha_deduplicated: {
    send: pushes([series({ cluster: '1', __replica__: 'a' })], [series({ cluster: '1', __replica__: 'b' })]),
  },
  dropped_by_relabelling: {
    limits: limitsSchema.parse({ drop_labels: ['a'] }),
    send: pushed(series({ a: '1' })),
  },
  relabelling_too_costly: {
    limits: limitsSchema.parse({
      metric_relabel_configs: [{ source_labels: ['a'], target_label: 'b', regex: '(?:x?){1000}' }],
    }),
    send: pushed(series({ a: 'x'.repeat(2_000) })),
  },
  bad_symbol_reference: { send: v2(0x0a, 2, 1, 9) },
  odd_label_references: { send: v2(0x0a, 1, 0) },
  invalid_histogram: {
    send: pushed({
      labels: Labels.of({ a: '1' }),
      timestamps: [],
      values: [],
      histograms: [{ timestampMs: NOW_MS, histogram: BROKEN, asFloats: false }],
    }),
  },
  histogram_scale: {
    send: otlp({
      name: 'm',
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [{ timeUnixNano: POINT.timeUnixNano, scale: -11, count: 1, zeroCount: 1 }],
      },
    }),
  },
  bucket_counts: {
    send: otlp({
      name: 'm',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          { timeUnixNano: POINT.timeUnixNano, count: 2, bucketCounts: [1, 1, 1], explicitBounds: [1] },
        ],
      },
    }),
  },
  delta_temporality: {
    send: otlp({ name: 'm', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints: [POINT] } }),
  },
  unknown_temporality: {
    send: otlp({ name: 'm', sum: { aggregationTemporality: 0, isMonotonic: true, dataPoints: [POINT] } }),
  },
  no_metric_name: { send: otlp({ name: '', gauge: { dataPoints: [POINT] } }) },
  point_too_large: {
    limits: { max_label_value_length: 9_000_000 },
    // Its count and its five buckets.
    count: 6,
    send: otlp({
      name: 'm',
      histogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            timeUnixNano: POINT.timeUnixNano,
            count: 5,
            bucketCounts: [1, 1, 1, 1, 1],
            explicitBounds: [1, 2, 3, 4],
            attributes: [{ key: 'a', value: { stringValue: 'x'.repeat(900_000) } }],
          },
        ],
      },
    }),
  },
  no_value: { send: otlp({ name: 'm', gauge: { dataPoints: [{ timeUnixNano: POINT.timeUnixNano }] } }) },
  invalid_attribute: {
    send: otlp({
      name: 'm',
      gauge: { dataPoints: [{ ...POINT, attributes: [{ key: '', value: { stringValue: 'x' } }] }] },
    }),
  },
  exemplar_labels: { kind: 'exemplars', send: pushed(withExemplar(['a', '1', 'a', '2'])) },
  exemplar_too_long: { kind: 'exemplars', send: pushed(withExemplar({ a: 'x'.repeat(200) })) },
  exemplar_out_of_bounds: { kind: 'exemplars', send: pushed(withExemplar({ a: '1' }, 5)) },
  too_many_exemplars: {
    kind: 'exemplars',
    limits: { max_exemplars_per_series_per_minute: 1 },
    send: pushed(withExemplar({ a: '1' }), withExemplar({ a: '2' })),
  },
  metadata_too_long: {
    kind: 'metadata',
    limits: { max_metadata_length: 9 },
    send: async ({ post }) => {
      const body = encodeWriteRequest([], [{ metric: 'm', type: 'gauge', help: LONG, unit: '' }]);
      const answer = await post(packSnappy(body));
      return { status: answer.status, text: textOf(answer) };
    },
  },
};

for (const [reason, { limits, send, kind = 'samples', count = 1 }] of Object.entries(PROVOCATIONS)) {
  test(`${reason}: counted for its tenant, and named if its sender is at fault`, async () => {
    const bed = setUp(limits);
    const { status, text } = await send(bed);
    const metric = bed.registry.getSingleMetric(`xscaler_distributor_${kind}_refused_total`);
    const counts = (await metric?.get())?.values ?? [];
    assert.deepEqual(
      counts.map(({ labels, value }) => [labels['tenant'], labels['reason'], value]),
      [['acme', reason, count]],
      text,
    );
    // Exemplars above the limit are not the request's fault, but are named in its answer.
    const isThinned = reason === 'too_many_exemplars';
    assert.equal(status >= 400, !INTENDED.has(reason as Reason) && !isThinned, text);
    if (status >= 400 || isThinned) assert.ok(text.includes(REASONS[reason as Reason]), text);
  });
}
