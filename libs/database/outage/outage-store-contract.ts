import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutageStore } from './outage-store.ts';

export interface OutageStoreUnderTest {
  readonly outages: OutageStore;
  dispose(): Promise<void>;
}

const SHORTEST_MS = 60_000;

/** What every `OutageStore` promises. `open` makes one on an empty database. */
export function outageStoreContract(name: string, open: () => Promise<OutageStoreUnderTest>): void {
  const check = (title: string, run: (outages: OutageStore) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        await run(subject.outages);
      } finally {
        await subject.dispose();
      }
    });

  check('a first start is not an outage', async (outages) => {
    assert.deepEqual(await outages.note(2e9, 2e9, SHORTEST_MS), []);
    assert.deepEqual(await outages.all(2e9), []);
  });

  check('a pause longer than the shortest is an outage, and one as long is none', async (outages) => {
    await outages.note(1_000_000, 1_000_000, SHORTEST_MS);
    assert.deepEqual(await outages.note(1_060_000, 1_060_000, SHORTEST_MS), []);
    const outage = { startMs: 1_060_000, endMs: 1_120_001 };
    assert.deepEqual(await outages.note(1_120_001, 1_120_001, SHORTEST_MS), [outage]);
    assert.deepEqual(await outages.all(1_120_001), [outage]);
  });

  check('an outage ends when writes were accepted again, however late that is noted', async (outages) => {
    await outages.note(1_000_000, 900_000, SHORTEST_MS);
    const ended = [{ startMs: 1_000_000, endMs: 1_110_000 }];
    assert.deepEqual(await outages.note(1_150_000, 1_110_000, SHORTEST_MS), ended);
    assert.deepEqual(await outages.note(1_165_000, 1_110_000, SHORTEST_MS), ended);
  });

  check('outages with less than two minutes between them are one', async (outages) => {
    await outages.note(1_000_000, 1_000_000, SHORTEST_MS);
    await outages.note(2_000_000, 2_000_000, SHORTEST_MS);
    const whole = { startMs: 1_000_000, endMs: 3_000_000 };
    await outages.note(2_120_000, 2_000_000, SHORTEST_MS);
    assert.deepEqual(await outages.note(3_000_000, 3_000_000, SHORTEST_MS), [whole]);
    await outages.note(3_120_001, 3_000_000, SHORTEST_MS);
    const next = { startMs: 3_120_001, endMs: 4_000_000 };
    assert.deepEqual(await outages.note(4_000_000, 4_000_000, SHORTEST_MS), [whole, next]);
    assert.deepEqual(await outages.all(4_000_000), [whole, next]);
  });

  check('while another one accepts writes there is none', async (outages) => {
    for (let nowMs = 1_000_000; nowMs < 1_500_000; nowMs += 15_000) {
      await outages.note(nowMs, 500_000, SHORTEST_MS);
    }
    assert.deepEqual(await outages.note(1_500_000, 1_499_000, SHORTEST_MS), []);
  });

  check('a distributor that accepted writes but could not note it causes no outage', async (outages) => {
    await outages.note(1_000_000, 500_000, SHORTEST_MS);
    assert.deepEqual(await outages.note(9_000_000, 500_000, SHORTEST_MS), []);
  });

  check('those who note at once note one outage', async (outages) => {
    await outages.note(1_000_000, 1_000_000, SHORTEST_MS);
    const times = [1_200_000, 1_200_010, 1_200_020];
    await Promise.all(times.map((nowMs) => outages.note(nowMs, nowMs, SHORTEST_MS)));
    const all = await outages.all(1_200_020);
    assert.deepEqual(
      all.map(({ startMs }) => startMs),
      [1_000_000],
    );
    assert.ok(times.includes(all[0].endMs));
  });

  check(
    'an outage that ends in the future was noted by a wrong clock: it counts nowhere',
    async (outages) => {
      const rightMs = 100_000_000;
      const wrongMs = rightMs + 3 * 3_600_000;
      await outages.note(rightMs, rightMs, SHORTEST_MS);
      assert.equal((await outages.note(wrongMs, wrongMs, SHORTEST_MS)).length, 1, 'by that clock');
      assert.deepEqual(await outages.all(rightMs + 1_000), []);
      assert.deepEqual(await outages.note(rightMs + 1_000, rightMs, SHORTEST_MS), []);
      assert.deepEqual(await outages.all(wrongMs), [], 'nor later, when it is no more of the future');
      // A real one is noticed all the same.
      const backMs = rightMs + 400_000;
      const outage = { startMs: rightMs + 1_000, endMs: backMs };
      assert.deepEqual(await outages.note(backMs, backMs, SHORTEST_MS), [outage]);
    },
  );

  check('outages are forgotten after thirty days', async (outages) => {
    await outages.note(1_000_000, 1_000_000, SHORTEST_MS);
    await outages.note(2_000_000, 2_000_000, SHORTEST_MS);
    const monthMs = 30 * 86_400_000;
    assert.equal((await outages.note(2_000_000 + monthMs, 2_000_000, SHORTEST_MS)).length, 1);
    assert.deepEqual(await outages.note(2_000_001 + monthMs, 2_000_000, SHORTEST_MS), []);
  });
}
