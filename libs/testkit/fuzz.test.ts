import assert from 'node:assert/strict';
import test from 'node:test';
import { fuzz } from './fuzz.ts';

const BODIES = [Uint8Array.of(1, 2, 3), Uint8Array.of(4)];
const RUNS = 200_000;

/** As many as there are in any environment. */
function withRuns(t: test.TestContext, runs: number): void {
  const { XSCALER_FUZZ_RUNS: own } = process.env;
  process.env.XSCALER_FUZZ_RUNS = `${runs}`;
  t.after(() => {
    if (own === undefined) delete process.env.XSCALER_FUZZ_RUNS;
    else process.env.XSCALER_FUZZ_RUNS = own;
  });
}

test('who keeps eight bytes of every mutation is found', async (t) => {
  withRuns(t, RUNS);
  const kept: number[] = [];
  const decodes = (_: Buffer, run: number) => kept.push(run) > 0;
  await assert.rejects(fuzz(t, { everyDay: 1, bodies: BODIES, decodes }), /the heap grew by \d+ bytes/);
  assert.equal(kept.length, RUNS);
});

test('who keeps a buffer of every twentieth mutation is found', async (t) => {
  withRuns(t, RUNS / 10);
  const kept: ArrayBuffer[] = [];
  const decodes = (_: Buffer, run: number) => run % 20 > 0 || kept.push(new ArrayBuffer(2_000)) > 0;
  await assert.rejects(fuzz(t, { everyDay: 1, bodies: BODIES, decodes }), /the heap grew by \d+ bytes/);
});

test('who makes garbage, or fills a cache, is not', async (t) => {
  withRuns(t, RUNS);
  const cache: string[] = [];
  let garbage: object = {};
  const decodes = (damaged: Buffer, run: number) => {
    garbage = { damaged, run };
    cache[run % 20_000] = `${run} ${damaged.length}`;
    return run % 2 === 0;
  };
  const decoded = await fuzz(t, { everyDay: 1, bodies: BODIES, decodes });
  assert.equal(decoded, RUNS / 2);
  assert.ok(garbage);
});

test('the same mutations come for the same seed', async (t) => {
  withRuns(t, 100);
  const seen: string[][] = [];
  for (let round = 0; round < 2; round++) {
    const mutations: string[] = [];
    await fuzz(t, {
      everyDay: 1,
      bodies: BODIES,
      decodes: (damaged, _, random) => mutations.push(`${damaged.toString('hex')} ${random(9)}`) > 0,
    });
    seen.push(mutations);
  }
  assert.deepEqual(seen[0], seen[1]);
});
