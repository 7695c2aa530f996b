import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogBatch } from '@xscaler/writelog';
import { FollowedLog } from './followed-log.ts';
import { fingerprintOf } from './record-mark.ts';

/** A log of one-byte records that the test changes, and a follower that has not read yet. */
function followed() {
  const state = { identity: 'a', records: [1, 2, 3, 4, 5], nowMs: 0 };
  const bytes = () => state.records.map((record) => Uint8Array.of(record));
  const log = {
    identity: async () => state.identity,
    startOffset: async () => 0,
    endOffset: async () => state.records.length,
    async *read(_: number, firstOffset: number): AsyncGenerator<LogBatch> {
      yield { firstOffset, records: bytes().slice(firstOffset) };
    },
  };
  const options = { log, partition: 0, identity: 'a', nextOffset: 0, clock: () => state.nowMs };
  const follower = new FollowedLog(options);
  const read = (from: number, to: number) => {
    for (let offset = from; offset < to; offset++) follower.read(offset, bytes()[offset]);
  };
  return { state, follower, read };
}

test('records read before a successful check are verified, later ones are not', async () => {
  const { follower, read } = followed();
  read(0, 3);
  assert.deepEqual([follower.verifiedOffset, follower.committed], [0, { identity: 'a', mark: undefined }]);
  const looking = follower.verify();
  read(3, 5);
  await looking;
  const mark = { offset: 2, fingerprint: fingerprintOf(Uint8Array.of(3)) };
  assert.deepEqual([follower.verifiedOffset, follower.committed], [3, { identity: 'a', mark }]);
  await follower.require(2);
  assert.equal(follower.verifiedOffset, 3);
  await follower.require(3);
  assert.equal(follower.verifiedOffset, 5);
});

test('records read since the last check are not verified if the log was replaced', async () => {
  const { follower, read, state } = followed();
  read(0, 3);
  state.identity = 'b';
  await assert.rejects(follower.verify(), { code: 'log_replaced', message: /its identity is b, it was a/ });
  assert.equal(follower.verifiedOffset, 0);
});

test('after a long silence the last record read before it must still exist', async () => {
  const { follower, read, state } = followed();
  read(0, 3);
  await follower.verify();
  state.nowMs += 60_000;
  await follower.verify();
  state.records = [1, 2, 9, 9, 9, 9];
  state.nowMs += 5_000;
  await follower.verify();
  state.nowMs += 60_000;
  await assert.rejects(follower.verify(), { code: 'log_replaced', message: /got others in their place/ });
});

test('a clock that was wrong for a while does not hide a silence', async () => {
  const { follower, read, state } = followed();
  read(0, 3);
  state.nowMs += 3 * 3_600_000;
  await follower.verify();
  state.records = [1, 2, 9, 9, 9, 9];
  state.nowMs -= 3 * 3_600_000 - 60_000;
  await assert.rejects(follower.verify(), { code: 'log_replaced', message: /got others in their place/ });
});
