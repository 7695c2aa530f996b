import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refusal } from '../refusals/refusal.ts';
import { ByteBudget, type ByteBudgetOptions } from './byte-budget.ts';
import { FairShares } from './fair-shares.ts';

function budget(options: Partial<ByteBudgetOptions> = {}): ByteBudget {
  return new ByteBudget({
    maxBytes: 100,
    maxWaitMs: 10_000,
    maxWaitingBytes: Number.POSITIVE_INFINITY,
    lendsToOne: false,
    refusal: (tenant, bytes) => new Refusal('bodies_full', `${tenant}: ${bytes}`),
    ...options,
  });
}

test('a tenant gets as much as it leaves free, and some is always left for another tenant', () => {
  for (const tenants of [1, 2, 3, 10]) {
    const shares = new FairShares(1_000);
    for (let round = 0; round < 1_000; round++) {
      for (let tenant = 0; tenant < tenants; tenant++) {
        if (shares.fits(`t${tenant}`, 1)) shares.add(`t${tenant}`, 1);
      }
    }
    const each = Math.floor(1_000 / (tenants + 1));
    for (let tenant = 0; tenant < tenants; tenant++) {
      const held = shares.heldBy(`t${tenant}`);
      assert.ok(held === each || held === each + 1, `${tenants} tenants: ${held}`);
    }
    assert.ok(shares.fits('newcomer', 1_000 - shares.held));
  }
});

test('waiting leases get room in the order of arrival', async () => {
  const bytes = budget();
  const [first, second, third] = ['a', 'a', 'a'].map((tenant) => bytes.lease(tenant));
  assert.equal(first.tryGrowTo(50), true);
  assert.equal(second.tryGrowTo(50), false);
  const order: string[] = [];
  const waits = [
    second.growTo(50).then(() => order.push('second')),
    third.growTo(50).then(() => order.push('third')),
  ];
  first.release();
  await waits[0];
  assert.deepEqual([order, bytes.heldBytes], [['second'], 50]);
  second.shrinkTo(0);
  await waits[1];
  assert.equal(bytes.heldBy('a'), 50);
  third.release();
  assert.equal(bytes.heldBytes, 0);
});

test('a lease that waits too long or is cancelled holds nothing', async () => {
  const bytes = budget({ maxWaitMs: 10 });
  const held = bytes.lease('a');
  await held.growTo(100);
  await assert.rejects(bytes.lease('b').growTo(1), { code: 'bodies_full', message: 'b: 1' });
  const leaving = new AbortController();
  const reason = new Error('the client left');
  const left = bytes.lease('b').growTo(1, leaving.signal);
  leaving.abort(reason);
  await assert.rejects(left, reason);
  const released = bytes.lease('b');
  const waits = released.growTo(1);
  released.release();
  await assert.rejects(waits, /was released/);
  await assert.rejects(released.growTo(1), /was released/);
  held.release();
  assert.equal(bytes.heldBytes, 0);
});

test('a lease that could never fit, or would make too many bytes wait, is refused at once', async () => {
  const bytes = budget({ maxWaitingBytes: 10 });
  await assert.rejects(bytes.lease('a').growTo(101), { code: 'bodies_full' });
  const held = bytes.lease('a');
  await held.growTo(100);
  const large = bytes.lease('b').growTo(60);
  await assert.rejects(bytes.lease('c').growTo(1), { code: 'bodies_full' });
  held.release();
  await large;
});

test('leases that fill the budget finish one after the other if one may borrow', async () => {
  const bytes = budget({ lendsToOne: true });
  const leases = Array.from({ length: 20 }, () => bytes.lease('a'));
  let held = 0;
  await Promise.all(
    leases.map(async (lease) => {
      for (let grown = 5; grown <= 60; grown += 5) {
        await lease.growTo(grown);
        held = Math.max(held, bytes.heldBytes);
        await new Promise(setImmediate);
      }
      lease.release();
    }),
  );
  assert.equal(bytes.heldBytes, 0);
  // Half of it, and one lease.
  assert.ok(held <= 110, `${held}`);
});
