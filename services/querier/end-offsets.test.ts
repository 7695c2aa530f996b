import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WriteLog } from '@xscaler/writelog';
import { EndOffsets } from './end-offsets.ts';

/** A log whose answers come when the test lets them. */
function slowLog() {
  const pending: PromiseWithResolvers<number>[] = [];
  const log = {
    partitionCount: 1,
    endOffset: () => {
      const answer = Promise.withResolvers<number>();
      pending.push(answer);
      return answer.promise;
    },
  };
  return { log: log as unknown as WriteLog, pending };
}

test('queries that come while offsets are fetched share the next fetch, never the one under way', async () => {
  const { log, pending } = slowLog();
  const offsets = new EndOffsets(log);
  const first = offsets.fetch();
  const second = offsets.fetch();
  const third = offsets.fetch();
  assert.equal(pending.length, 1);
  pending[0].resolve(7);
  assert.deepEqual(await first, { 0: 7 });
  await new Promise((done) => setImmediate(done));
  assert.equal(pending.length, 2, 'one fetch for both that waited');
  pending[1].resolve(9);
  assert.deepEqual(await second, { 0: 9 });
  assert.deepEqual(await third, { 0: 9 });
});

test('a failed fetch fails its own queries and not the next', async () => {
  const { log, pending } = slowLog();
  const offsets = new EndOffsets(log);
  const first = offsets.fetch();
  const second = offsets.fetch();
  pending[0].reject(new Error('the log is away'));
  await assert.rejects(first, /away/);
  await new Promise((done) => setImmediate(done));
  pending[1].resolve(3);
  assert.deepEqual(await second, { 0: 3 });
});

test('what a fetch has brought serves all reads of a query that came before it began', async () => {
  const { log, pending } = slowLog();
  let nowMs = 1_000;
  const offsets = new EndOffsets(log, () => nowMs);
  const arrival = offsets.arrival();
  const fetched = offsets.after(arrival);
  nowMs = 2_000;
  pending[0].resolve(7);
  assert.deepEqual(await fetched, { 0: 7 });
  assert.deepEqual(await offsets.after(arrival), { 0: 7 });
  assert.equal(pending.length, 1);
  assert.equal(offsets.last?.askedMs, 1_000, 'when it was asked for, not when the answer came');
  const later = offsets.after(offsets.arrival());
  pending[1].resolve(9);
  assert.deepEqual(await later, { 0: 9 });
});
