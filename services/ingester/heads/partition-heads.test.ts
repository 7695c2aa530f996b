import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadMemory } from '@xscaler/tsdb';
import { PartitionHeads } from './partition-heads.ts';

function close(heads: PartitionHeads, tenant: string, windowStartMs: number, seq: number, offset: number) {
  return heads.close({ tenant, windowStartMs, windowMs: 100, seq, zone: 'a' }, offset, 0);
}

test('a cut closes only the head that it names', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  const held = heads.mustOpen('t', 0, 100, 7, 0);
  assert.equal(close(heads, 't', 0, 6, 9), undefined, 'another seq');
  assert.equal(close(heads, 't', 100, 7, 9), undefined, 'another window');
  assert.equal(close(heads, 'u', 0, 7, 9), undefined, 'another tenant');
  assert.equal(close(heads, 't', 0, 7, 9), held);
  assert.equal(close(heads, 't', 0, 7, 9), undefined, 'closed already');
  assert.equal(held.state, 'closed');
  assert.equal(held.toOffset, 9);
  const next = heads.mustOpen('t', 0, 100, 10, 0);
  assert.notEqual(next, held);
  assert.equal(next.head.seq, 10);
});

test('the resume offset is the first offset that no block holds', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  assert.equal(heads.resumeOffsetWithout(undefined, 50), 50);
  const first = heads.mustOpen('t', 0, 100, 5, 0);
  const second = heads.mustOpen('t', 100, 100, 8, 0);
  assert.equal(heads.resumeOffsetWithout(undefined, 50), 5);
  close(heads, 't', 0, 5, 20);
  assert.equal(heads.resumeOffsetWithout(undefined, 50), 5, 'a closed head is not in a block yet');
  assert.equal(heads.resumeOffsetWithout(first, 50), 8);
  second.state = 'committed';
  assert.equal(heads.resumeOffsetWithout(first, 50), 50);
});

test('tenants see only their own heads, and dropped heads are gone', () => {
  const heads = new PartitionHeads(0, new HeadMemory(0));
  const mine = heads.mustOpen('t', 0, 100, 5, 0);
  heads.mustOpen('u', 0, 100, 5, 0);
  assert.deepEqual([...heads.ofTenant('t')], [mine]);
  heads.drop(mine);
  assert.deepEqual([...heads.ofTenant('t')], []);
  assert.equal([...heads.all()].length, 1);
});
