import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatTwoDigits } from './forced-monotonicity.ts';

test('two digits are written as Go does it', () => {
  const written = [0, 1, 5.55, 10, 12.3, 99.4, 99.6, 100, 1234, 0.25, 0.000123, 0.0000123, 1e30].map(
    formatTwoDigits,
  );
  assert.deepEqual(written, [
    '0',
    '1',
    '5.5',
    '10',
    '12',
    '99',
    '1e+02',
    '1e+02',
    '1.2e+03',
    '0.25',
    '0.00012',
    '1.2e-05',
    '1e+30',
  ]);
});
