import assert from 'node:assert/strict';
import test from 'node:test';
import { plainDecimal } from './decimal.ts';
import { labelName } from './label-name.ts';
import { metricName, type NameKind } from './metric-name.ts';
import type { TranslationStrategy } from './otlp-settings.ts';
import { unitName } from './unit-name.ts';

function expectNames(
  strategy: TranslationStrategy,
  cases: readonly [string, string, NameKind, string][],
): void {
  for (const [name, unit, kind, expected] of cases) {
    assert.equal(metricName(name, unit, kind, strategy), expected, `${name} [${unit}] ${kind}`);
  }
}

test('names with suffixes and underscores, as the specification and Prometheus have them', () => {
  expectNames('UnderscoreEscapingWithSuffixes', [
    ['http.server.request.duration', 's', 'other', 'http_server_request_duration_seconds'],
    ['system.io', 'foo/bar', 'counter', 'system_io_foo_per_bar_total'],
    ['requests.count', '1', 'counter', 'requests_count_total'],
    ['memory.usage', 'By', 'gauge', 'memory_usage_bytes'],
    ['memory.usage', 'By', 'counter', 'memory_usage_bytes_total'],
    ['memory_usage_bytes', 'By', 'counter', 'memory_usage_bytes_total'],
    ['memory_usage_bytes_total', 'By', 'counter', 'memory_usage_bytes_total'],
    ['total.bytes.sent', 'By', 'counter', 'bytes_sent_total'],
    ['cpu.utilization', '1', 'gauge', 'cpu_utilization_ratio'],
    ['ratio.of.cpu', '1', 'gauge', 'of_cpu_ratio'],
    ['cpu.utilization', '1', 'other', 'cpu_utilization'],
    ['queue.size', '{messages}', 'gauge', 'queue_size'],
    ['packets', '{packets}/s', 'gauge', 'packets_per_second'],
    ['speed', 'm/s', 'gauge', 'speed_meters_per_second'],
    ['meters.speed', 'm/s', 'gauge', 'meters_speed_per_second'],
    ['speed_per_second', 'm/s', 'gauge', 'speed_per_second_meters_per_second'],
    ['fuel', 'l/100km', 'gauge', 'fuel_l_per_100km'],
    ['load', '%', 'gauge', 'load_percent'],
    ['temperature', 'Cel', 'gauge', 'temperature_celsius'],
    ['2xx.answers', '', 'counter', '_2xx_answers_total'],
    ['  a  b--c__d ', '', 'gauge', 'a_b_c_d'],
    ['a:b', '', 'gauge', 'a:b'],
    ['straße.länge', 'm', 'gauge', 'stra_e_l_nge_meters'],
    ['€', '', 'gauge', ''],
    ['', '', 'gauge', ''],
    ['broken', '€', 'gauge', 'broken'],
    ['broken', 's/€', 'gauge', 'broken_seconds'],
    ['x', ' s / m ', 'gauge', 'x_seconds_per_minute'],
  ]);
});

test('names under the other strategies', () => {
  expectNames('UnderscoreEscapingWithoutSuffixes', [
    ['http.server.request.duration', 's', 'counter', 'http_server_request_duration'],
    ['a__b..c', '', 'gauge', 'a__b_c'],
    ['2xx', '', 'gauge', '_2xx'],
    ['€', '', 'gauge', ''],
  ]);
  expectNames('NoUTF8EscapingWithSuffixes', [
    ['http.server.request.duration', 's', 'other', 'http.server.request.duration_seconds'],
    ['requests', '1', 'counter', 'requests_total'],
    ['requests.total', '1', 'counter', 'requests_total'],
    ['requests_total', 'By', 'counter', 'requests_bytes_total'],
    ['system.io_bytes', 'By', 'counter', 'system.io_bytes_total'],
    ['speed', 'm/s', 'gauge', 'speed_meters_per_second'],
    ['speed.per_second', 'm/s', 'gauge', 'speed_meters_per_second'],
    ['cpu.ratio', '1', 'gauge', 'cpu_ratio'],
    ['länge', 'm', 'gauge', 'länge_meters'],
  ]);
  expectNames('NoTranslation', [
    ['http.server.request.duration', 's', 'counter', 'http.server.request.duration'],
    ['€', '1', 'gauge', '€'],
  ]);
});

test('names of labels', () => {
  for (const [attribute, escaped] of [
    ['http.method', 'http_method'],
    ['a-b c', 'a_b_c'],
    ['a..b', 'a__b'],
    ['1st', 'key_1st'],
    ['_private', 'key_private'],
    ['__reserved__', '__reserved__'],
    ['é', 'key_'],
    ['éé', ''],
    ['😀', 'key_'],
    ['', ''],
  ]) {
    assert.equal(labelName(attribute, true), escaped, attribute);
    assert.equal(labelName(attribute, false), attribute);
  }
});

test('units for metadata', () => {
  for (const [unit, escaped] of [
    ['s', 'seconds'],
    ['By/s', 'bytes_per_second'],
    ['1', ''],
    ['{x}/s', 'per_second'],
    ['{x}', ''],
    ['a b', 'a_b'],
    ['', ''],
  ]) {
    assert.equal(unitName(unit, true), escaped, unit);
  }
  assert.equal(unitName('a b/s', false), 'a b_per_second');
});

test('bounds and quantiles are written without an exponent', () => {
  for (const [value, text] of [
    [0.5, '0.5'],
    [10, '10'],
    [0, '0'],
    [-0, '-0'],
    [1e21, '1000000000000000000000'],
    [1.25e22, '12500000000000000000000'],
    [-1e-7, '-0.0000001'],
    [1.5e-10, '0.00000000015'],
    [5e-324, `0.${'0'.repeat(323)}5`],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ] as const) {
    assert.equal(plainDecimal(value), text);
    if (Number.isFinite(value)) assert.ok(Object.is(Number(text), value));
  }
});
