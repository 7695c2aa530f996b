import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptQueries } from './differential/kept-queries.ts';
import { runDifferential } from './differential/run.ts';

/** The longer run, with a seed of its own each time, is `npm run differential`. */
const SEED = 20_260_301;
const COUNT = 500;

test('random queries are answered as by a Prometheus', async () => {
  const outcome = await runDifferential({ seed: SEED, count: COUNT, concurrency: 4, kept: keptQueries() });
  const { differences, queries, answered } = outcome;
  assert.deepEqual(differences, [], `seed ${SEED}`);
  assert.ok(queries >= 2 * COUNT);
  // Most of them have something to say.
  assert.ok(answered > queries * 0.6, `${answered} of ${queries} answered`);
});
