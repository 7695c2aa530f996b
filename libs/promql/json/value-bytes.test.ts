import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatSampleValue } from '../numbers/number-format.ts';
import { MAX_VALUE_BYTES, writeSampleValue } from './value-bytes.ts';

const bytes = Buffer.alloc(2 + MAX_VALUE_BYTES);

function written(value: number): string {
  return bytes.subarray(2, writeSampleValue(value, bytes, 2)).toString('latin1');
}

function assertWritten(value: number): void {
  assert.equal(written(value), formatSampleValue(value));
}

test('numbers at the borders of each way of writing', () => {
  const edges = [
    0,
    1,
    9.5,
    10,
    99_999_999,
    1e8,
    1e15,
    2 ** 53,
    2 ** 53 + 2,
    1e21,
    1e22,
    1e-6,
    1e-7,
    1e300,
    5e-324,
  ];
  for (const edge of edges) {
    for (const near of [edge, edge * (1 - 2 ** -53), edge * (1 + 2 ** -52), edge + 0.1, edge - 0.1]) {
      assertWritten(near);
      assertWritten(-near);
    }
  }
  for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0]) assertWritten(odd);
});

test('powers of two and of ten and their neighbours', () => {
  const double = new Float64Array(1);
  const word = new BigInt64Array(double.buffer);
  const powers = [...Array(140).keys()].map((i) => 2 ** (i - 70));
  for (const power of [...powers, ...[...Array(50).keys()].map((i) => Number(`1e${i - 25}`))]) {
    for (const off of [-2n, -1n, 0n, 1n, 2n]) {
      double[0] = power;
      word[0] += off;
      assertWritten(double[0]);
    }
  }
});

test('any double', () => {
  fc.assert(fc.property(fc.double(), assertWritten), { numRuns: 20_000 });
});

test('numbers as metrics have them: decimals, their sums, rates and shares', () => {
  const count = fc.integer({ min: 0, max: 1_000_000_000 });
  const places = fc.integer({ min: 0, max: 12 });
  const metric = fc.tuple(count, places, count, count).map(([a, digits, b, c]) => {
    const decimal = a / 10 ** digits;
    return [decimal, decimal + b / 1000, a / 300, a / (b + 1), decimal * (c / 7), Math.sqrt(a)];
  });
  fc.assert(
    fc.property(metric, (values) => values.forEach(assertWritten)),
    { numRuns: 20_000 },
  );
});
