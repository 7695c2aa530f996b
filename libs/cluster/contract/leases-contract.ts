import assert from 'node:assert/strict';
import { type Check, rejectsWith, until } from './contract-checks.ts';

const LONG_MS = 60_000;

export function leasesContract(check: Check): void {
  check('a lease is set if the expected value stands', async ({ cluster, connect }) => {
    const other = (await connect()).leases;
    const { leases } = cluster;
    const key = ['team', 'prom'];
    assert.equal(await leases.get(key), undefined);
    assert.deepEqual(await leases.compareAndSet(key, undefined, 'a 1', LONG_MS), { isSet: true });
    assert.deepEqual(await other.compareAndSet(key, undefined, 'b 1', LONG_MS), {
      isSet: false,
      current: 'a 1',
    });
    assert.deepEqual(await other.compareAndSet(key, 'a 1', 'b 2', LONG_MS), { isSet: true });
    assert.deepEqual(await leases.compareAndSet(key, 'a 1', 'a 3', LONG_MS), {
      isSet: false,
      current: 'b 2',
    });
    assert.equal(await leases.get(key), 'b 2');
    assert.deepEqual(await leases.compareAndSet(['none'], 'x', 'y', LONG_MS), {
      isSet: false,
      current: undefined,
    });
  });

  check('of many that want a lease one gets it', async ({ cluster, connect }) => {
    const clients = [cluster.leases, (await connect()).leases];
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => clients[i % 2].compareAndSet(['k'], undefined, `${i}`, LONG_MS)),
    );
    const winners = outcomes.flatMap(({ isSet }, i) => (isSet ? [`${i}`] : []));
    assert.deepEqual(winners, [await cluster.leases.get(['k'])]);
  });

  check('an empty value is a value', async ({ cluster }) => {
    const { leases } = cluster;
    await leases.compareAndSet(['k'], undefined, '', LONG_MS);
    assert.equal(await leases.get(['k']), '');
    assert.deepEqual(await leases.compareAndSet(['k'], undefined, 'a', LONG_MS), {
      isSet: false,
      current: '',
    });
    assert.deepEqual(await leases.compareAndSet(['k'], '', 'a', LONG_MS), { isSet: true });
  });

  check('keys of any content are told apart', async ({ cluster }) => {
    const { leases } = cluster;
    const long = 'x'.repeat(3000);
    const keys = [
      ['a', 'b'],
      ['a:b'],
      ['a', ''],
      ['a'],
      ['', 'a'],
      ['naïve ☃'],
      ['a\nb'],
      [long],
      [`${long}y`],
      ['%61'],
    ];
    for (const [i, key] of keys.entries()) {
      assert.deepEqual(await leases.compareAndSet(key, undefined, `${i}`, LONG_MS), { isSet: true });
    }
    for (const [i, key] of keys.entries()) assert.equal(await leases.get(key), `${i}`);
  });

  check('a lease is forgotten after its time', async ({ cluster }) => {
    const { leases } = cluster;
    await leases.compareAndSet(['k'], undefined, 'a', 50);
    await until(async () => (await leases.get(['k'])) === undefined);
    assert.deepEqual(await leases.compareAndSet(['k'], undefined, 'b', LONG_MS), { isSet: true });
  });

  check('leases over a bound are refused', async ({ cluster }) => {
    const { leases } = cluster;
    await rejectsWith(leases.compareAndSet(['k'], undefined, 'x'.repeat(5000), LONG_MS), 'invalid');
    await rejectsWith(leases.compareAndSet(['k'], undefined, 'x', 0), 'invalid');
    await rejectsWith(leases.compareAndSet(['k'], undefined, 'x', Number.NaN), 'invalid');
  });
}
