import assert from 'node:assert/strict';
import test from 'node:test';
import { fuzz } from '@xscaler/testkit';
import fc from 'fast-check';
import { type ReadRequest, readSource, testHash } from '../wire.testbed.ts';
import { OtlpMetricsReader } from './metrics-reader.ts';
import { CUMULATIVE, jsonFromProtobuf, nanos, point, read, request, SERVICE, T_MS } from './otlp.testbed.ts';
import { encodeExportRequest, JsonTranscoder, protobufFromJson } from './request-json.ts';

const exemplars = [{ timeUnixNano: nanos(T_MS), asDouble: 1.5, traceId: '0af7651916cd43dd8448eb211c80319c' }];

const EVERYTHING = request(
  [
    {
      name: 'g.x',
      unit: 'By',
      description: 'Bytes.',
      gauge: { dataPoints: [point({ asInt: '5' }, { a: 'b', c: { boolValue: true } })] },
    },
    {
      name: 's',
      sum: {
        dataPoints: [point({ asDouble: 2.5, startTimeUnixNano: nanos(T_MS - 1000), exemplars })],
        isMonotonic: true,
        aggregationTemporality: CUMULATIVE,
      },
    },
    {
      name: 'h',
      unit: 's',
      histogram: {
        dataPoints: [
          point({ count: 6, sum: 3, bucketCounts: [1, 2, 3], explicitBounds: [1, 2], exemplars }, { a: '1' }),
        ],
        aggregationTemporality: CUMULATIVE,
      },
    },
    {
      name: 'e',
      exponentialHistogram: {
        dataPoints: [
          point({
            count: 7,
            sum: 3,
            scale: 9,
            zeroCount: 1,
            positive: { offset: -3, bucketCounts: [1, 2, 3] },
          }),
        ],
        aggregationTemporality: CUMULATIVE,
      },
    },
    {
      name: 'q',
      summary: { dataPoints: [point({ count: 1, sum: 2, quantileValues: [{ quantile: 0.5, value: 1 }] })] },
    },
  ],
  {
    ...SERVICE,
    list: {
      arrayValue: {
        values: [{ stringValue: 'x' }, { kvlistValue: { values: [{ key: 'k', value: { intValue: 1 } }] } }],
      },
    },
  },
  { name: 'lib', version: '1' },
  'https://s',
);

/** So small a cache of label sets turns over many times. */
const reader = new OtlpMetricsReader(testHash(), 100_000);

function readBytes(body: Uint8Array): ReadRequest {
  reader.reset(body);
  return readSource(reader);
}

function readOrRefuse(body: Uint8Array): ReadRequest | undefined {
  try {
    return readBytes(body);
  } catch (error) {
    assert.ok(
      ['DecodeError', 'TooLargeError'].includes((error as Error).name),
      String((error as Error).stack),
    );
    return undefined;
  }
}

test('OTLP: mutated requests decode or are refused; what decodes means the same once encoded again', async (t) => {
  let compared = 0;
  const decodes = (damaged: Uint8Array, run: number): boolean => {
    const got = readOrRefuse(damaged);
    if (got === undefined) return false;
    const again = run % 3 > 0 ? undefined : reencoded(damaged);
    if (again !== undefined) {
      assert.deepEqual(comparable(readBytes(again)), comparable(got));
      compared++;
    }
    return true;
  };
  await fuzz(t, { everyDay: 20_000, bodies: [encodeExportRequest(EVERYTHING)], decodes });
  assert.ok(compared > 300, `${compared}`);
});

/** Undefined if a text isn't UTF-8 or a nested message is damaged where the reader needn't look. */
function reencoded(body: Uint8Array): Uint8Array | undefined {
  try {
    return encodeExportRequest(jsonFromProtobuf(body));
  } catch {
    return undefined;
  }
}

function comparable({ series, metadata, refusals }: ReadRequest) {
  return { series: series.map(({ hash: _, ...rest }) => rest), metadata, refusals };
}

test('OTLP: mutated JSON decodes or is refused; what decodes is JSON and means the same once encoded again', async (t) => {
  const texts = [JSON.stringify(EVERYTHING), JSON.stringify(EVERYTHING, undefined, 1)];
  const decodes = (damaged: Uint8Array, run: number, random: (below: number) => number): boolean => {
    let body: Uint8Array;
    try {
      body = transcoded(damaged, 1 + random(300));
    } catch (error) {
      assert.equal((error as Error).name, 'DecodeError', String((error as Error).stack));
      return false;
    }
    const got = readOrRefuse(body);
    assert.ok(got);
    if (run % 3 > 0) return true;
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(damaged));
    assert.deepEqual(comparable(readBytes(encodeExportRequest(jsonFromProtobuf(body)))), comparable(got));
    return true;
  };
  const bodies = texts.map((text) => Buffer.from(text));
  const decoded = await fuzz(t, { everyDay: 10_000, bodies, decodes });
  assert.ok(decoded > 500, `${decoded}`);
});

/** In steps of this many bytes. */
function transcoded(text: Uint8Array, stepBytes: number): Uint8Array {
  const transcoder = new JsonTranscoder(text);
  while (!transcoder.step(stepBytes));
  return transcoder.take();
}

test('any JSON that is none of a request is refused as JSON.parse would have it, or passed over', () => {
  const unknown = (json: string) => `{"unknown":${json},"resourceMetrics":[]}`;
  const spaces = fc.constantFrom('', ' ', '\n', '\t \r');
  fc.assert(
    fc.property(
      fc.json(),
      spaces,
      fc.nat(),
      fc.constantFrom('', '"', '\\', '0', 'e', '-', '.', ',', ']', '}'),
      (json, space, at, extra) => {
        const place = at % (json.length + 1);
        const text = unknown(`${space}${json.slice(0, place)}${extra}${json.slice(place)}${space}`);
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        if (isJson) assert.equal(protobufFromJson(text).length, 0);
        else assert.throws(() => protobufFromJson(text), { name: 'DecodeError' }, text);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('integers of 64 bits come out to the last digit, as strings and as numbers', () => {
  const times = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const values = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  fc.assert(
    fc.property(
      times,
      values,
      fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      fc.boolean(),
      (time, value, scale, quoted) => {
        const written = (integer: bigint | number) => (quoted ? `"${integer}"` : `${integer}`);
        const text = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[
        {"gauge":{"dataPoints":[{"timeUnixNano":${written(time)},"asInt":${written(value)},"attributes":[{"value":{"intValue":${written(value)}}}]}]}},
        {"exponentialHistogram":{"dataPoints":[{"scale":${written(scale)},"positive":{"bucketCounts":[${written(time)}]}}]}}]}]}]}`;
        const [gauge, histogram] = metricsIn(jsonFromProtobuf(protobufFromJson(text)));
        const [first] = gauge.gauge?.dataPoints ?? [];
        assert.deepEqual(first, {
          timeUnixNano: `${time}`,
          asInt: `${value}`,
          attributes: [{ value: { intValue: `${value}` } }],
        });
        const [second] = histogram.exponentialHistogram?.dataPoints ?? [];
        assert.deepEqual(second, { scale, positive: { bucketCounts: [`${time}`] } });
      },
    ),
  );
});

interface PlainMetric {
  readonly gauge?: { readonly dataPoints: readonly object[] };
  readonly exponentialHistogram?: { readonly dataPoints: readonly object[] };
}

function metricsIn(request: object): readonly PlainMetric[] {
  const { resourceMetrics } = request as {
    readonly resourceMetrics: { readonly scopeMetrics: { readonly metrics: PlainMetric[] }[] }[];
  };
  return resourceMetrics[0].scopeMetrics[0].metrics;
}

test('texts come out like JSON: escapes, other scripts, a byte order mark', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, escaped) => {
      const quoted = escaped
        ? `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
        : JSON.stringify(text);
      const body = protobufFromJson(
        `\ufeff{"resourceMetrics":[{"scopeMetrics":[{"metr\\u0069cs":[{"description":${quoted}}]}]}]}`,
      );
      const [metric] = metricsIn(jsonFromProtobuf(body));
      assert.deepEqual(metric, { description: Buffer.from(text).toString() });
    }),
  );
});

test('JSON in either spelling, with integers as strings or numbers, means what protobuf means', () => {
  const spelled = {
    resource_metrics: [
      {
        unknown: { x: 1 },
        resource: null,
        scope_metrics: [
          {
            metrics: [
              {
                name: 'c',
                sum: {
                  data_points: [{ time_unix_nano: 1_700_000_000_000_000_000, as_int: 12, flags: 0 }],
                  aggregation_temporality: 'AGGREGATION_TEMPORALITY_CUMULATIVE',
                  is_monotonic: true,
                },
              },
            ],
          },
        ],
      },
    ],
  };
  const plain = request([
    {
      name: 'c',
      sum: {
        dataPoints: [{ timeUnixNano: '1700000000000000000', asInt: '12' }],
        aggregationTemporality: 2,
        isMonotonic: true,
      },
    },
  ]);
  assert.deepEqual(comparable(read(spelled)), comparable(read(plain)));
  assert.equal(read(spelled).series.length, 1);
});

test('a time that JSON had to round stays in its millisecond', () => {
  for (const timeMs of [1_700_000_000_001, 1_700_000_000_123, 1_699_999_999_999]) {
    const text = `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"g","gauge":{"dataPoints":[{"asInt":1,"timeUnixNano":${timeMs}000000}]}}]}]}]}`;
    assert.deepEqual(readBytes(protobufFromJson(text)).series[0].timestamps, [timeMs]);
  }
});

test('JSON that is not a request is refused', () => {
  const deep = `${'{"arrayValue":{"values":['.repeat(500)}{}${']}}'.repeat(500)}`;
  const inPoint = (fields: string) =>
    `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"gauge":{"dataPoints":[{${fields}}]}}]}]}]}`;
  for (const text of [
    '',
    '[]',
    '1',
    '{}{}',
    '{"resourceMetrics":[],}',
    '{"resourceMetrics":[{},]}',
    '{"resourceMetrics":[{} {}]}',
    '{"resourceMetrics":[',
    inPoint('"asInt":01'),
    inPoint('"asInt":"18446744073709551616"'),
    inPoint('"timeUnixNano":"18446744073709551616"'),
    inPoint('"timeUnixNano":"99999999999999999999"'),
    inPoint('"timeUnixNano":1e30'),
    inPoint('"flags":4294967296'),
    inPoint('"exemplars":[{"spanId":"0af"}]'),
    inPoint('"unknown":"\\x"'),
    `{"unknown":${'['.repeat(100_000)}`,
    'null',
    '{"resourceMetrics":{}}',
    '{"resourceMetrics":[1]}',
    inPoint('"asInt":1.5'),
    inPoint('"asInt":"x"'),
    inPoint('"asInt":"9223372036854775808"'),
    inPoint('"asDouble":"one"'),
    inPoint('"timeUnixNano":-1'),
    inPoint('"flags":true'),
    inPoint('"attributes":[{"key":1}]'),
    inPoint('"attributes":[{"value":{"boolValue":"yes"}}]'),
    inPoint('"exemplars":[{"traceId":"xyz"}]'),
    inPoint(`"attributes":[{"key":"a","value":${deep}}]`),
  ]) {
    assert.throws(() => protobufFromJson(text), { name: 'DecodeError' }, text.slice(0, 200));
  }
});

test('label sets are cached within a bound, and labels of one request are bounded', () => {
  const reader = new OtlpMetricsReader(testHash(), 400_000);
  const many = (from: number, long = '') =>
    encodeExportRequest(
      request([
        {
          name: 'g',
          gauge: {
            dataPoints: Array.from({ length: 1_000 }, (_, i) =>
              point({ asInt: 1 }, { i: `${from + i}`, long }),
            ),
          },
        },
      ]),
    );
  for (let from = 0; from < 40_000; from += 1_000) {
    reader.reset(many(from));
    while (reader.next() !== 0);
    assert.ok(reader.cacheBytes < 800_000, `${reader.cacheBytes}`);
  }
  reader.reset(many(0, 'x'.repeat(5_000)), { maxLabelBytes: 1_000_000 });
  assert.throws(
    () => {
      while (reader.next() !== 0);
    },
    { name: 'TooLargeError' },
  );
  reader.release();
  assert.equal(reader.next(), 0);
});
