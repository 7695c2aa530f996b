import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WriteLog } from '@xscaler/writelog';
import { EndOffsets } from './end-offsets.ts';

/** A log that answers when the test says so. */
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

test('queries that arrive during a fetch share the next one, never the one in flight', async () => {
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

test('a failed fetch fails its own queries, not later ones', async () => {
  const { log, pending } = slowLog();
  const offsets = new EndOffsets(log);
  const first = offsets.fetch();
  const second = offsets.fetch();
  pending[0].reject(new Error('the log is unreachable'));
  await assert.rejects(first, /unreachable/);
  await new Promise((done) => setImmediate(done));
  pending[1].resolve(3);
  assert.deepEqual(await second, { 0: 3 });
});

test('a fetch serves all reads of a query that arrived before it began', async () => {
  const { log, pending } = slowLog();
  let nowMs = 1_000;
  const offsets = new EndOffsets(log, () => nowMs);
  const arrival = offsets.arrival();
  const fetched = offsets.after(arrival, [0]);
  nowMs = 2_000;
  pending[0].resolve(7);
  assert.deepEqual(await fetched, { 0: 7 });
  assert.deepEqual(await offsets.after(arrival, [0]), { 0: 7 });
  assert.equal(pending.length, 1);
  assert.deepEqual(offsets.knownSince(1_000, [0]), { 0: 7 });
  assert.equal(offsets.knownSince(1_001, [0]), undefined, 'when it was asked for, not when the answer came');
  assert.equal(offsets.knownSince(1_000, [0, 1]), undefined);
  const later = offsets.after(offsets.arrival(), [0]);
  pending[1].resolve(9);
  assert.deepEqual(await later, { 0: 9 });
});

test('a query waits only for its own partitions', async () => {
  const answers = new Map<number, PromiseWithResolvers<number>>();
  const endOffset = (partition: number) => {
    const answer = Promise.withResolvers<number>();
    answers.set(partition, answer);
    return answer.promise;
  };
  const offsets = new EndOffsets({ partitionCount: 3, endOffset } as unknown as WriteLog);
  const one = offsets.after(offsets.arrival(), [0, 2]);
  const other = offsets.after(offsets.arrival(), [1]);
  answers.get(0)?.resolve(5);
  answers.get(2)?.resolve(6);
  assert.deepEqual(await one, { 0: 5, 2: 6 });
  const later = offsets.after(offsets.arrival(), [2]);
  answers.get(2)?.resolve(8);
  assert.deepEqual(await later, { 2: 8 });
  answers.get(1)?.reject(new Error('no leader'));
  await assert.rejects(other, /no leader/);
});

test('an end requested before the clock was set back is not reused', async () => {
  const { log, pending } = slowLog();
  let nowMs = 9_000_000;
  const offsets = new EndOffsets(log, () => nowMs);
  const first = offsets.fetch();
  pending[0].resolve(7);
  await first;
  assert.deepEqual(offsets.knownSince(8_000_000, [0]), { 0: 7 });
  nowMs = 1_000;
  assert.equal(offsets.knownSince(500, [0]), undefined);
});
