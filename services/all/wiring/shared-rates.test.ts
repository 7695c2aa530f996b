import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryCluster } from '@xscaler/cluster';
import { SharedRates } from './shared-rates.ts';

/** Gateways of one cluster, and a clock that the test moves. */
function gateways(count: number) {
  const clock = { nowMs: 0 };
  const now = () => clock.nowMs;
  const cluster = openMemoryCluster({ now });
  const rates = Array.from(
    { length: count },
    (_, i) => new SharedRates(cluster.rateShares(`g${i}`, 'requests'), now),
  );
  const exchange = async () => {
    clock.nowMs += 1_000;
    for (let round = 0; round < 2; round++) for (const each of rates) await each.exchange();
  };
  return { clock, rates, exchange, cluster };
}

test('a gateway alone has the whole rate', async () => {
  const { rates, exchange } = gateways(1);
  rates[0].offered('acme');
  await exchange();
  assert.equal(rates[0].share('acme'), 1);
});

test('shares follow what each gateway is asked for, and add up to the whole', async () => {
  const { rates, clock } = gateways(2);
  const [busy, calm] = rates;
  for (let i = 0; i < 90; i++) busy.offered('acme');
  for (let i = 0; i < 10; i++) calm.offered('acme');
  clock.nowMs += 1_000;
  await calm.exchange();
  await busy.exchange();
  for (let i = 0; i < 10; i++) calm.offered('acme');
  clock.nowMs += 1_000;
  await calm.exchange();
  assert.ok(Math.abs(busy.share('acme') - (0.05 + 0.9 * 0.9)) < 1e-9, String(busy.share('acme')));
  assert.ok(Math.abs(busy.share('acme') + calm.share('acme') - 1) < 1e-9);
  assert.equal(busy.share('never seen'), 0.5);
});

test('gateways and distributors share different things', async () => {
  const { rates, exchange, cluster } = gateways(2);
  await cluster.rateShares('d0', 'samples').exchange(new Map([['acme', 1_000]]));
  await exchange();
  assert.equal(rates[0].share('acme'), 0.5);
});

test('distributors count samples', async () => {
  const { rates, clock } = gateways(2);
  const [busy, calm] = rates;
  busy.offered('acme', 900);
  calm.offered('acme', 100);
  clock.nowMs += 1_000;
  await calm.exchange();
  await busy.exchange();
  assert.ok(Math.abs(busy.share('acme') - (0.05 + 0.9 * 0.9)) < 1e-9, String(busy.share('acme')));
});
