import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LedgerRow } from '@xscaler/database';
import { LedgerView } from './ledger-view.ts';

function row(tenant: string, windowStartMs: number, fromOffset: number, toOffset: number): LedgerRow {
  const windowMs = 100;
  return {
    tenant,
    partition: 0,
    windowStartMs,
    windowMs,
    seq: fromOffset,
    fromOffset,
    toOffset,
    sampleCount: 1,
    digest: '',
  };
}

test('covers only offsets of its own tenant and window, both ends included', () => {
  const ledger = new LedgerView();
  ledger.add(row('a', 0, 5, 9));
  ledger.add(row('a', 0, 20, 22));
  ledger.add(row('a', 100, 12, 14));
  for (const [offset, covered] of [
    [4, false],
    [5, true],
    [9, true],
    [10, false],
    [19, false],
    [20, true],
    [22, true],
    [23, false],
  ] as const) {
    assert.equal(ledger.covers('a', 0, 100, offset), covered, `offset ${offset}`);
  }
  assert.ok(!ledger.covers('b', 0, 100, 7));
  assert.ok(!ledger.covers('a', 0, 50, 7));
  assert.ok(!ledger.covers('a', 200, 100, 7));
  assert.ok(ledger.mayCover(22));
  assert.ok(!ledger.mayCover(23));
});

test('prune forgets only what ends below the offset', () => {
  const ledger = new LedgerView();
  ledger.add(row('a', 0, 5, 9));
  ledger.add(row('a', 0, 10, 15));
  ledger.prune(10);
  assert.ok(!ledger.covers('a', 0, 100, 7));
  assert.ok(ledger.covers('a', 0, 100, 10));
});
