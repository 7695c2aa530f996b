import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeat } from './heartbeat.ts';

function timer() {
  const scheduled: { beat: () => void; delayMs: number; isCancelled: boolean }[] = [];
  const schedule = (beat: () => void, delayMs: number) => {
    const entry = { beat, delayMs, isCancelled: false };
    scheduled.push(entry);
    return () => {
      entry.isCancelled = true;
    };
  };
  return { scheduled, schedule };
}

test('beats at once, then an interval after each beat is done', async () => {
  const { scheduled, schedule } = timer();
  let beats = 0;
  const heartbeat = new Heartbeat(async () => beats++, 500, undefined, schedule);
  await heartbeat.start();
  assert.equal(beats, 1);
  assert.equal(scheduled[0].delayMs, 500);
  scheduled[0].beat();
  await heartbeat.stop();
  assert.equal(beats, 2);
  assert.equal(scheduled.length, 1);
});

test('a beat that fails is told and the next one comes', async () => {
  const { scheduled, schedule } = timer();
  const faults: unknown[] = [];
  const fault = new Error('no');
  const heartbeat = new Heartbeat(
    () => Promise.reject(fault),
    500,
    (error) => faults.push(error),
    schedule,
  );
  await heartbeat.start();
  assert.deepEqual(faults, [fault]);
  assert.equal(scheduled.length, 1);
  await heartbeat.stop();
  assert.ok(scheduled[0].isCancelled);
});
