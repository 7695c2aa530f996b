import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FunctionName } from '../../syntax/signatures.ts';
import { dateFunction } from './date-functions.ts';

function evaluate(name: FunctionName, seconds: number): number | undefined {
  return dateFunction(name)?.(seconds);
}

const NAMES: FunctionName[] = [
  'year',
  'month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'days_in_month',
  'hour',
  'minute',
];

function evaluateAll(seconds: number): (number | undefined)[] {
  return NAMES.map((name) => evaluate(name, seconds));
}

test('dates agree with the calendar of the platform', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(10 ** 11), max: 10 ** 11 }), (seconds) => {
      const date = new Date(seconds * 1000);
      const year = date.getUTCFullYear();
      const daysInMonth = new Date(Date.UTC(2000, 0, 1));
      daysInMonth.setUTCFullYear(year, date.getUTCMonth() + 1, 0);
      const newYear = new Date(Date.UTC(2000, 0, 1));
      newYear.setUTCFullYear(year);
      assert.deepEqual(evaluateAll(seconds), [
        year,
        date.getUTCMonth() + 1,
        date.getUTCDate(),
        date.getUTCDay(),
        Math.floor((date.getTime() - newYear.getTime()) / 86_400_000) + 1,
        daysInMonth.getUTCDate(),
        date.getUTCHours(),
        date.getUTCMinutes(),
      ]);
    }),
  );
});

test('times beyond any calendar come out as in Prometheus', () => {
  assert.deepEqual(evaluateAll(1e14), [3170843, 11, 7, 6, 311, 30, 9, 46]);
  assert.deepEqual(evaluateAll(-1e14), [-3166904, 2, 24, 1, 55, 29, 14, 13]);
  const beyond = [292277026596, 12, 4, 0, 339, 31, 15, 30];
  assert.deepEqual(evaluateAll(Number.NaN), beyond);
  assert.deepEqual(evaluateAll(Number.POSITIVE_INFINITY), beyond);
});
