import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommittedNotes } from './committed-notes.ts';

/** A partition whose log and resume offset are moved by the test. */
function partition() {
  const notes: [endOffset: number, timeMs: number][] = [];
  const state = {
    nowMs: 0,
    endOffset: 0,
    resumeOffset: 0,
    appliedOffset: 0 as number | undefined,
    away: false,
    isReplaced: false,
    clockFault: undefined as string | undefined,
    forgotten: 0,
  };
  const ask = async <T>(answer: () => T): Promise<T> => {
    if (state.away) throw new Error('away');
    return answer();
  };
  const committed = new CommittedNotes({
    partition: 0,
    log: { endOffset: () => ask(() => state.endOffset) },
    blocks: {
      resumeOffset: () => ask(() => state.resumeOffset),
      forgetFutureNotes: () => ask(() => ++state.forgotten > 0),
      noteCommitted: (_, endOffset, timeMs) =>
        ask(() => {
          notes.push([endOffset, timeMs]);
        }),
    },
    appliedOffset: () => state.appliedOffset,
    verifyLog: async () => {
      if (state.isReplaced) throw new Error('another log');
    },
    clock: () => state.nowMs,
    clockFault: () => state.clockFault,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  const at = async (nowMs: number, changes: Partial<typeof state>) => {
    Object.assign(state, changes, { nowMs });
    await committed.forgetFuture().catch(() => undefined);
    await committed.note().catch(() => undefined);
    return notes.splice(0);
  };
  return Object.assign(at, { state });
}

test('an instant is noted once the resume offset has reached the log’s end at that instant', async () => {
  const at = partition();
  assert.deepEqual(await at(1_000, { endOffset: 10, appliedOffset: 10 }), []);
  assert.deepEqual(await at(2_000, { endOffset: 20, appliedOffset: 20 }), []);
  assert.deepEqual(await at(3_000, { endOffset: 30, appliedOffset: 30, resumeOffset: 25 }), [[20, 2_000]]);
  assert.deepEqual(await at(4_000, {}), [], 'said once');
  assert.deepEqual(await at(5_000, { resumeOffset: 30 }), [[30, 5_000]], 'nothing came since');
});

test('a log end below the applied offset is ignored', async () => {
  const at = partition();
  assert.deepEqual(await at(1_000, { endOffset: 10, appliedOffset: 15, resumeOffset: 12 }), []);
  assert.deepEqual(await at(2_000, { resumeOffset: 15 }), [[15, 2_000]]);
});

test('the end of another log is ignored', async () => {
  const at = partition();
  assert.deepEqual(
    await at(1_000, { endOffset: 3, appliedOffset: 2, resumeOffset: 5, isReplaced: true }),
    [],
  );
  assert.deepEqual(await at(2_000, { endOffset: 5, appliedOffset: 5, isReplaced: false }), [[5, 2_000]]);
});

test('during an outage no instant is noted or forgotten', async () => {
  const at = partition();
  await at(1_000, { endOffset: 10, appliedOffset: 10 });
  assert.deepEqual(await at(2_000, { endOffset: 20, resumeOffset: 12, away: true }), []);
  assert.deepEqual(await at(3_000, { away: false }), [[10, 1_000]]);
});

test('a partition that is not live notes no instant', async () => {
  const at = partition();
  assert.deepEqual(await at(1_000, { appliedOffset: undefined }), []);
});

test('while the clock is wrong, no instant is noted or taken back', async () => {
  const at = partition();
  const clockFault = 'it is 3 h ahead';
  assert.deepEqual(
    await at(9_000_000, { endOffset: 10, appliedOffset: 10, resumeOffset: 10, clockFault }),
    [],
  );
  assert.equal(at.state.forgotten, 0);
  assert.deepEqual(await at(1_000, { clockFault: undefined }), [[10, 1_000]]);
  assert.equal(at.state.forgotten, 1);
});

test('notes and marks from before a clock was set back are discarded', async () => {
  const at = partition();
  assert.deepEqual(await at(9_000_000, { endOffset: 10, appliedOffset: 10, resumeOffset: 10 }), [
    [10, 9_000_000],
  ]);
  assert.deepEqual(await at(9_010_000, { endOffset: 20, appliedOffset: 20 }), []);
  // 20 is reached, but its instant is in the future.
  assert.deepEqual(await at(1_000, { endOffset: 30, appliedOffset: 30, resumeOffset: 20 }), []);
  assert.deepEqual(await at(2_000, { resumeOffset: 30 }), [[30, 2_000]]);
});
