import assert from 'node:assert/strict';
import type { SeriesCounts } from '../series-counts.ts';
import { type Check, rejectsWith, until } from './contract-checks.ts';

async function countsOf(counts: SeriesCounts, ...tenants: string[]): Promise<(number | undefined)[]> {
  const totals = await counts.totals(tenants);
  return tenants.map((tenant) => totals.get(tenant)?.count);
}

/** Tenant ids that a careless separator would mix up. */
const TRICKY = ['a', 'a:b', 'a b', 'a*', 'A', '{series}', "a'()", '%61', ''];

export function countsContract(check: Check): void {
  check(
    'series are summed over partitions, the larger count of two replicas',
    async ({ cluster, connect }) => {
      const other = (await connect()).seriesCounts;
      const { seriesCounts } = cluster;
      await seriesCounts.report({ instanceId: 'a-0', partition: 0 }, new Map([['team', 100]]));
      await other.report({ instanceId: 'b-0', partition: 0 }, new Map([['team', 90]]));
      await other.report(
        { instanceId: 'b-0', partition: 10 },
        new Map([
          ['team', 7],
          ['other', 2 ** 40],
        ]),
      );
      assert.deepEqual(await countsOf(seriesCounts, 'team', 'other', 'nobody'), [107, 2 ** 40, 0]);
      assert.deepEqual(await countsOf(other, 'team'), [107]);
    },
  );

  check('a report takes the place of the one before', async ({ cluster }) => {
    const { seriesCounts } = cluster;
    const reporter = { instanceId: 'a-0', partition: 0 };
    await seriesCounts.report(
      reporter,
      new Map([
        ['one', 5],
        ['two', 5],
      ]),
    );
    await seriesCounts.report(
      reporter,
      new Map([
        ['two', 6],
        ['three', 1],
      ]),
    );
    await until(async () => (await countsOf(seriesCounts, 'one', 'two', 'three')).join() === '0,6,1');
  });

  check('tenants of any name are told apart', async ({ cluster }) => {
    const { seriesCounts } = cluster;
    await seriesCounts.report(
      { instanceId: 'a:0 {x}', partition: 0 },
      new Map(TRICKY.map((tenant, i) => [tenant, i + 1])),
    );
    assert.deepEqual(
      await countsOf(seriesCounts, ...TRICKY),
      TRICKY.map((_, i) => i + 1),
    );
  });

  check('thousands of tenants go into one report', async ({ cluster }) => {
    const counts = new Map(Array.from({ length: 3000 }, (_, i) => [`tenant-${i}`, i + 1]));
    await cluster.seriesCounts.report({ instanceId: 'a', partition: 0 }, counts);
    const totals = await cluster.seriesCounts.totals([...counts.keys()]);
    for (const [tenant, count] of counts) assert.equal(totals.get(tenant)?.count, count);
    const many = Array.from({ length: 200_000 }, (_, i) => `t${i}`);
    await rejectsWith(cluster.seriesCounts.totals(many), 'invalid');
  });

  check('a reporter that falls silent counts no more', async ({ cluster }) => {
    const { seriesCounts } = cluster;
    await seriesCounts.report({ instanceId: 'silent', partition: 0 }, new Map([['team', 5]]));
    await until(async () => {
      await seriesCounts.report({ instanceId: 'alive', partition: 1 }, new Map([['team', 2]]));
      return (await countsOf(seriesCounts, 'team'))[0] === 2;
    });
  });

  check('a distributor alone has all of a rate', async ({ cluster }) => {
    const shares = cluster.rateShares('d1', 'samples');
    assert.equal(shares.share('team'), 1);
    assert.ok(await shares.exchange(new Map([['team', 1000]])));
    assert.equal(shares.share('team'), 1);
    assert.equal(shares.members, 1);
  });

  check('shares follow demand and add up to the whole', async ({ cluster, connect }) => {
    const shares = [
      cluster.rateShares('d1', 'samples'),
      (await connect()).rateShares('d2', 'samples'),
      (await connect()).rateShares('d3', 'samples'),
    ];
    const demands = [
      new Map([
        ['team', 750.5],
        ['mine', 3],
      ]),
      new Map([['team', 249.5]]),
      new Map([['team', 0]]),
    ];
    for (let round = 0; round < 2; round++) {
      for (const [i, each] of shares.entries()) await each.exchange(demands[i]);
    }
    assert.deepEqual(
      shares.map((each) => each.members),
      [3, 3, 3],
    );
    const [first, second, third] = shares.map((each) => each.share('team'));
    assert.ok(Math.abs(first + second + third - 1) < 1e-9);
    assert.ok(first > 0.6 && second > 0.2 && third > 0.01, `${first} ${second} ${third}`);
    assert.ok(shares[0].share('mine') > 0.9);
    // Never heard of by any: an even part.
    assert.equal(shares[1].share('new'), 1 / 3);
  });

  check('a distributor that leaves or falls silent leaves its share to the others', async (subject) => {
    const first = subject.cluster.rateShares('d1', 'samples');
    const second = (await subject.connect()).rateShares('d2', 'samples');
    const demand = new Map([['team', 10]]);
    const meet = async () => {
      await second.exchange(demand);
      await first.exchange(demand);
      return first.members === 2 && first.share('team') === 0.5;
    };
    await until(meet);
    assert.ok(await second.leave());
    const isAlone = async () => {
      await first.exchange(demand);
      return first.members === 1 && first.share('team') === 1;
    };
    await until(isAlone);
    await until(meet);
    await until(isAlone);
  });
}
