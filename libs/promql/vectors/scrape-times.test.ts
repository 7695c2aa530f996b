import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Budget } from './budget.ts';
import { ScrapeTimes } from './scrape-times.ts';

const STEPS = 100;
const timesFrom = (first: number, length: number) => Float64Array.from({ length }, (_, i) => first + i * 10);

test('what was kept is found for the same times, and for no others', () => {
  const known = new ScrapeTimes<string>(new Budget(), STEPS, STEPS);
  const times = timesFrom(5, 30);
  assert.equal(known.find(times, 30), undefined);
  assert.equal(
    known.keep(times, 30, () => 'a'),
    'a',
  );
  const other = timesFrom(5, 30);
  other[17]++;
  assert.equal(
    known.keep(other, 30, () => 'b'),
    'b',
  );
  assert.equal(known.find(timesFrom(5, 30), 30), 'a');
  assert.equal(known.find(timesFrom(5, 99), 30), 'a');
  assert.equal(known.find(other, 30), 'b');
  assert.equal(known.find(times, 29), undefined);
  assert.equal(known.find(timesFrom(6, 30), 30), undefined);
});

test('times are kept while there is room, and held in the budget', () => {
  const budget = new Budget();
  const known = new ScrapeTimes<number>(budget, STEPS, STEPS);
  let kept = 0;
  while (known.keep(timesFrom(kept, 10_000), 10_000, () => kept) !== undefined) kept++;
  assert.equal(kept, Math.floor(2 ** 20 / (10_000 + STEPS)));
  assert.equal(budget.held, kept * (10_000 + STEPS));
  assert.equal(known.find(timesFrom(0, 10_000), 10_000), 0);
});

test('nothing is kept for a query of few steps', () => {
  const known = new ScrapeTimes<number>(new Budget(), 1, 1);
  assert.equal(
    known.keep(timesFrom(0, 10), 10, () => 1),
    undefined,
  );
});
