import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UnavailableError } from '@xscaler/rpc';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { EndOffsets } from './end-offsets.ts';
import { ReadHorizon } from './read-horizon.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** Two hours of lateness, 30 s a write may take, two minutes between clocks. */
const WINDOW_MS = 2 * HOUR_MS;
const MARGIN_MS = 150_000;
const NOW_MS = 100 * DAY_MS;

/** A log, what is committed, and the clock, as the test has them. */
function horizon() {
  const state = {
    nowMs: NOW_MS,
    end: 7,
    isLogAway: false,
    committedMs: 0,
    windowMs: WINDOW_MS,
    changedMs: 0,
    outages: [] as { startMs: number; endMs: number }[],
    lookups: 0,
    partitions: [0],
    deletions: [] as { partition: number; logOffset: number }[],
  };
  const log = {
    partitionCount: 1,
    endOffset: async () => {
      if (state.isLogAway) throw new WriteLogError('unavailable', 'no broker answers at 10.1.2.3:9092');
      return state.end;
    },
  };
  const clock = () => state.nowMs;
  const offsets = new EndOffsets(log as unknown as WriteLog, clock);
  const horizon = new ReadHorizon({
    offsets,
    blocks: {
      lastCommits: async () => new Map(),
      tombstones: async () => {
        const what = { deletionId: 'd', startMs: 0, endMs: NOW_MS, matcherSets: [] };
        return state.deletions.map((one) => ({ ...what, ...one }));
      },
      committedUntil: async () => {
        state.lookups++;
        return new Map([0, 1, 4].map((partition) => [partition, state.committedMs]));
      },
    },
    partitionsOf: async () => state.partitions,
    latenessOf: async () => {
      const { windowMs, changedMs, outages } = state;
      return { windowMs, changedMs, outages };
    },
    clock,
    maxClockSkewMs: MINUTE_MS,
  });
  const read = (endMs: number) => horizon.minOffsets('t', endMs, offsets.arrival());
  return { state, offsets, horizon, read };
}

function unavailable(error: unknown): boolean {
  const text = 'what was written last cannot be known: the write log is not available';
  return error instanceof UnavailableError && error.message === text;
}

test('a read of what may still be written waits for the end of the log, without a look at what is committed', async () => {
  const { state, read } = horizon();
  state.committedMs = NOW_MS;
  for (const endMs of [NOW_MS + DAY_MS, NOW_MS, NOW_MS - MINUTE_MS])
    assert.deepEqual(await read(endMs), { 0: 7 });
  assert.equal(state.lookups, 0);
  state.isLogAway = true;
  await assert.rejects(read(NOW_MS), unavailable);
});

test('a range is committed once everything acknowledged until it settled is in blocks, and not a millisecond before', async () => {
  const { state, read } = horizon();
  state.isLogAway = true;
  state.committedMs = NOW_MS - HOUR_MS;
  const endMs = state.committedMs - WINDOW_MS - MARGIN_MS;
  assert.equal(await read(endMs), undefined);
  await assert.rejects(read(endMs + 1), unavailable);
});

test('end offsets from before will do for a range that had settled when they were asked for', async () => {
  const { state, offsets, read } = horizon();
  await offsets.fetch();
  state.isLogAway = true;
  state.nowMs += HOUR_MS;
  const endMs = NOW_MS - WINDOW_MS - MARGIN_MS;
  assert.deepEqual(await read(endMs), { 0: 7 });
  await assert.rejects(read(endMs + 1), unavailable);
});

test('end offsets from before are raised to deletions that came since, of the partitions that are read', async () => {
  const { state, offsets, read } = horizon();
  await offsets.fetch();
  state.isLogAway = true;
  state.nowMs += HOUR_MS;
  const endMs = NOW_MS - WINDOW_MS - MARGIN_MS;
  state.deletions = [
    { partition: 0, logOffset: 3 },
    { partition: 1, logOffset: 90 },
  ];
  assert.deepEqual(await read(endMs), { 0: 7 });
  state.deletions.push({ partition: 0, logOffset: 12 }, { partition: 0, logOffset: 9 });
  assert.deepEqual(await read(endMs), { 0: 13 });
});

test('a range that the lateness window still covers is not settled', async () => {
  const { state, offsets, read } = horizon();
  state.windowMs = 30 * DAY_MS;
  state.committedMs = NOW_MS;
  await offsets.fetch();
  state.isLogAway = true;
  await assert.rejects(read(NOW_MS - 29 * DAY_MS), unavailable);
  assert.equal(await read(NOW_MS - 31 * DAY_MS), undefined);
});

test('a window that was changed counts from its change on: another one may have held before', async () => {
  const { state, read } = horizon();
  state.isLogAway = true;
  state.committedMs = NOW_MS - HOUR_MS;
  state.changedMs = state.committedMs - MARGIN_MS + 1;
  await assert.rejects(read(NOW_MS - 30 * DAY_MS), unavailable);
  state.changedMs--;
  assert.equal(await read(NOW_MS - 30 * DAY_MS), undefined);
});

test('after an outage a range settles later by its length, and two hours after it as ever', async () => {
  const { state, read } = horizon();
  state.isLogAway = true;
  const outageEndMs = NOW_MS - 10 * HOUR_MS;
  const expectSettled = async (endMs: number, settledMs: number) => {
    state.committedMs = settledMs + MARGIN_MS - 1;
    await assert.rejects(read(endMs), unavailable, `${endMs}`);
    state.committedMs++;
    assert.equal(await read(endMs), undefined);
  };
  state.outages = [{ startMs: outageEndMs - 3 * HOUR_MS, endMs: outageEndMs }];
  // Of what was sent in the outage; of what was sent long before, for as long as senders catch up; of what comes after.
  await expectSettled(outageEndMs - 3 * HOUR_MS, outageEndMs + 2 * HOUR_MS);
  await expectSettled(outageEndMs - 4 * HOUR_MS, outageEndMs + HOUR_MS);
  await expectSettled(outageEndMs - 30 * HOUR_MS, outageEndMs - 28 * HOUR_MS);
  await expectSettled(outageEndMs, outageEndMs + 2 * HOUR_MS);
  await expectSettled(outageEndMs + HOUR_MS, outageEndMs + 3 * HOUR_MS);
  state.outages.unshift({ startMs: outageEndMs - 6 * HOUR_MS, endMs: outageEndMs - 5 * HOUR_MS });
  await expectSettled(outageEndMs - 4 * HOUR_MS, outageEndMs + HOUR_MS);
});

test('an eventual read does not wait, but still asks ingesters', async () => {
  const { state, horizon: subject } = horizon();
  state.isLogAway = true;
  assert.deepEqual(await subject.minOffsets('t', NOW_MS, undefined), { 0: 0 });
});

test('a read is of the tenant’s partitions, as they are when it is done', async () => {
  const { state, read } = horizon();
  state.partitions = [1, 4];
  assert.deepEqual(await read(NOW_MS), { 1: 7, 4: 7 });
  state.partitions = [1, 4, 5];
  state.isLogAway = true;
  const endMs = NOW_MS - WINDOW_MS - MARGIN_MS;
  await assert.rejects(read(endMs), unavailable, 'the end of partition 5 was never known');
});
