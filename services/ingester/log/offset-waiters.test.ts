import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OffsetWaiters } from './offset-waiters.ts';

test('a waiter resolves once its offset is reached, and not before', async () => {
  const waiters = new OffsetWaiters();
  const { signal } = new AbortController();
  let first = false;
  const waiting = waiters.wait(5, signal).then(() => {
    first = true;
  });
  waiters.reached(4);
  await Promise.resolve();
  assert.equal(first, false);
  waiters.reached(5);
  await waiting;
  assert.equal(first, true);
});

test('an aborted waiter rejects with the reason, the others keep waiting', async () => {
  const waiters = new OffsetWaiters();
  const leaving = new AbortController();
  const gone = waiters.wait(5, leaving.signal);
  const staying = waiters.wait(5, new AbortController().signal);
  leaving.abort(new Error('left'));
  await assert.rejects(gone, /left/);
  waiters.reached(6);
  await staying;
});

test('fail rejects all waiters', async () => {
  const waiters = new OffsetWaiters();
  const waiting = waiters.wait(1, new AbortController().signal);
  waiters.fail(new Error('stopped'));
  await assert.rejects(waiting, /stopped/);
});
