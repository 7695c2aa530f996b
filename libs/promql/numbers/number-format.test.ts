import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDurationMs, parseDurationMs } from '../syntax/duration.ts';
import { formatGeneral, formatSampleValue, formatShortest, formatTimestampMs } from './number-format.ts';

test('sample values have an exponent only below 1e-6 and from 1e21 on', () => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '-0'],
    [1.5, '1.5'],
    [0.000001, '0.000001'],
    [0.0000001, '1e-07'],
    [123456789012345680000, '123456789012345680000'],
    [1e21, '1e+21'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, '+Inf'],
    [Number.NEGATIVE_INFINITY, '-Inf'],
  ];
  for (const [value, text] of cases) assert.equal(formatSampleValue(value), text);
});

test('the shortest form never has an exponent, the general one has it early', () => {
  assert.equal(formatShortest(1e21), '1000000000000000000000');
  assert.equal(formatShortest(-1.5e-7), '-0.00000015');
  assert.equal(formatGeneral(0.00001), '1e-05');
  assert.equal(formatGeneral(-1.1), '-1.1');
});

test('timestamps have three decimals unless those are zero', () => {
  assert.equal(formatTimestampMs(1435781451781), '1435781451.781');
  assert.equal(formatTimestampMs(1435781451780), '1435781451.780');
  assert.equal(formatTimestampMs(1435781451000), '1435781451');
  assert.equal(formatTimestampMs(-1001), '-1.001');
});

test('every finite double survives its sample value', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.equal(Number(formatSampleValue(value)), value);
      assert.equal(Number(formatShortest(value)), value);
    }),
  );
});

test('durations survive being printed', () => {
  assert.equal(formatDurationMs(5_400_000), '1h30m');
  assert.equal(formatDurationMs(0), '0s');
  assert.equal(parseDurationMs('1y'), 31_536_000_000);
  assert.equal(parseDurationMs('5y1hs'), 'unknown unit "hs" in duration "5y1hs"');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (durationMs) => {
      assert.equal(parseDurationMs(formatDurationMs(durationMs)), durationMs);
    }),
  );
});
