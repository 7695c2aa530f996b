import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError } from '../answer/api-error.ts';
import { LookupQueue } from './lookup-queue.ts';

const BOUNDS = { maxRunning: 2, maxWaiting: 1 };
const never = new AbortController().signal;

/** Lookups that end on command. */
function lookups(queue: LookupQueue) {
  const started: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const begin = (tenant: string, name: string, signal = never, bounds = BOUNDS): Promise<string> => {
    const work = () => {
      started.push(name);
      return new Promise<string>((resolve, reject) => {
        ends.set(name, (error) => (error === undefined ? resolve(name) : reject(error)));
      });
    };
    return queue.run(tenant, bounds, work, signal);
  };
  return { started, begin, end: (name: string, error?: Error) => ends.get(name)?.(error) };
}

const isRefusal = (error: unknown) =>
  error instanceof ApiError &&
  error.errorType === 'too_many_requests' &&
  error.message.includes('max_outstanding_requests_per_tenant (1)');

test('lookups above a tenant’s limit wait and then are refused, while other tenants continue', async () => {
  const queue = new LookupQueue(100);
  const { started, begin, end } = lookups(queue);
  const first = begin('a', 'a1');
  const second = begin('a', 'a2');
  const third = begin('a', 'a3');
  await assert.rejects(begin('a', 'a4'), isRefusal);
  const other = begin('b', 'b1');
  assert.deepEqual(started, ['a1', 'a2', 'b1']);
  assert.deepEqual([queue.running, queue.queued], [3, 1]);
  const failure = new Error('broken');
  end('a1', failure);
  await assert.rejects(first, failure);
  assert.deepEqual(started, ['a1', 'a2', 'b1', 'a3']);
  for (const name of ['a2', 'a3', 'b1']) end(name);
  assert.deepEqual(await Promise.all([second, third, other]), ['a2', 'a3', 'b1']);
  assert.deepEqual([queue.running, queue.queued], [0, 0]);
});

test('a lookup cancelled while waiting never starts, and frees its place', async () => {
  const queue = new LookupQueue(100);
  const { started, begin, end } = lookups(queue);
  const running = [begin('a', 'a1'), begin('a', 'a2')];
  const canceler = new AbortController();
  const left = begin('a', 'a3', canceler.signal);
  const reason = new Error('enough');
  canceler.abort(reason);
  await assert.rejects(left, reason);
  await assert.rejects(begin('a', 'a4', canceler.signal), reason);
  const next = begin('a', 'a5');
  end('a1');
  end('a2');
  await Promise.all(running);
  end('a5');
  assert.equal(await next, 'a5');
  assert.deepEqual(started, ['a1', 'a2', 'a5']);
});

test('the waiting lookups of all tenants are limited', async () => {
  const queue = new LookupQueue(2);
  const { begin, end, started } = lookups(queue);
  const one = { maxRunning: 1, maxWaiting: 5 };
  const pending = ['a', 'b'].flatMap((tenant) =>
    [1, 2].map((i) => begin(tenant, `${tenant}${i}`, never, one)),
  );
  await assert.rejects(begin('a', 'a3', never, one), { errorType: 'unavailable' });
  for (const name of ['a1', 'b1']) end(name);
  await Promise.all([pending[0], pending[2]]);
  assert.deepEqual(started, ['a1', 'b1', 'a2', 'b2']);
  for (const name of ['a2', 'b2']) end(name);
  await Promise.all(pending);
});

test('a tenant without a limit leaves room for other tenants', async () => {
  const queue = new LookupQueue(1_000);
  const { begin, end, started } = lookups(queue);
  const unbounded = { maxRunning: Number.POSITIVE_INFINITY, maxWaiting: Number.POSITIVE_INFINITY };
  const names = Array.from({ length: 64 }, (_, i) => `a${i}`);
  const pending = names.map((name) => begin('a', name, never, unbounded));
  const other = begin('b', 'b1');
  assert.equal(started.at(-1), 'b1');
  assert.equal(queue.queued, 64 - started.length + 1);
  end('b1');
  await other;
  for (const name of names) {
    end(name);
    await pending[names.indexOf(name)];
  }
});
