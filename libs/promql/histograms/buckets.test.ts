import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundOf } from './buckets.ts';

const exponential = (schema: number) => ({ schema, customValues: [] });

test('bounds are those of Prometheus’ table, to the last digit', () => {
  // Prometheus' `exponentialBounds` holds halves of these.
  const halves = (schema: number, ...indices: number[]) =>
    indices.map((index) => boundOf(index, exponential(schema)) / 2);
  assert.deepEqual(halves(1, 0, 1), [0.5, 0.7071067811865475]);
  assert.deepEqual(
    halves(3, 0, 1, 2, 3, 4, 5, 6, 7),
    [
      0.5, 0.5452538663326288, 0.5946035575013605, 0.6484197773255048, 0.7071067811865475, 0.7711054127039704,
      0.8408964152537144, 0.9170040432046711,
    ],
  );
  assert.deepEqual(
    halves(8, 1, 2, 77, 129, 255),
    [0.5013556375251013, 0.5027149505564014, 0.6159056423670379, 0.7090239421602076, 0.9972960560854698],
  );
});

test('bounds reach from the smallest numbers to the largest', () => {
  assert.equal(boundOf(-1, exponential(1)), 0.7071067811865475);
  assert.equal(boundOf(-2148, exponential(1)), 2 ** -1074);
  assert.equal(boundOf(2048, exponential(1)), Number.MAX_VALUE);
  assert.equal(boundOf(2049, exponential(1)), Number.POSITIVE_INFINITY);
  assert.equal(boundOf(-2, exponential(-2)), 2 ** -8);
  assert.equal(boundOf(256, exponential(-2)), Number.MAX_VALUE);
});
