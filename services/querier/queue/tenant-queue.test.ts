import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TenantQueue } from './tenant-queue.ts';

function queueOf(...entries: [tenant: string, entry: string][]): TenantQueue<string> {
  const queue = new TenantQueue<string>();
  for (const [tenant, entry] of entries) queue.add(tenant, entry);
  return queue;
}

function drain(queue: TenantQueue<string>): (string | undefined)[] {
  return Array.from({ length: queue.size + 1 }, () => queue.take(() => true));
}

test('tenants take turns, each in its own order', () => {
  const queue = queueOf(['a', 'a1'], ['a', 'a2'], ['a', 'a3'], ['b', 'b1'], ['c', 'c1'], ['b', 'b2']);
  assert.deepEqual(drain(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined]);
  assert.equal(queue.size, 0);
});

test('a tenant that may not run is skipped and keeps its turn', () => {
  const queue = queueOf(['a', 'a1'], ['b', 'b1'], ['b', 'b2']);
  const notA = (tenant: string) => tenant !== 'a';
  assert.equal(queue.take(notA), 'b1');
  assert.equal(queue.take(notA), 'b2');
  assert.equal(queue.take(notA), undefined);
  assert.equal(
    queue.take(() => true),
    'a1',
  );
});

test('a cancelled entry leaves once', () => {
  const queue = queueOf(['a', 'a1'], ['a', 'a2'], ['b', 'b1']);
  queue.remove('a', 'a1');
  queue.remove('a', 'a1');
  queue.remove('c', 'c1');
  assert.equal(queue.size, 2);
  assert.equal(queue.waitingOf('a'), 1);
  assert.deepEqual(drain(queue), ['a2', 'b1', undefined]);
});

test('running entries are counted by tenant', () => {
  const queue = new TenantQueue<string>();
  queue.started('a');
  queue.started('a');
  queue.ended('a');
  assert.equal(queue.runningOf('a'), 1);
  queue.ended('a');
  assert.equal(queue.runningOf('a'), 0);
  assert.equal(queue.runningOf('b'), 0);
});

test('the queue knows if one other tenant holds everything that runs', () => {
  const queue = new TenantQueue<string>();
  assert.equal(queue.isHeldByOneOther('a'), false);
  queue.started('a');
  queue.started('a');
  assert.equal(queue.isHeldByOneOther('a'), false);
  assert.equal(queue.isHeldByOneOther('b'), true);
  queue.started('b');
  assert.equal(queue.isHeldByOneOther('b'), false);
  assert.equal(queue.isHeldByOneOther('c'), false);
  queue.ended('b');
  queue.ended('a');
  assert.equal(queue.isHeldByOneOther('b'), true);
});
