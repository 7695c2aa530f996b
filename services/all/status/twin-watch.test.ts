import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnerHeartbeat } from '@xscaler/cluster';
import { TwinWatch } from './twin-watch.ts';

function heartbeat(id: string, startedMs: number, beat: number, address = `${id}:9009`): OwnerHeartbeat {
  const place = { instanceId: 'ingester-a-0', zone: 'a', ordinal: 0, address };
  return { ...place, run: { id, startedMs, beat }, recordVersion: 1, partitions: new Map() };
}

/** The watch of process `me`, which started at 1,000. */
function watchOf() {
  const clock = { nowMs: 0 };
  const logs: string[] = [];
  const note = (_: unknown, text?: string) => void logs.push(`${text}`);
  const run = { id: 'me', startedMs: 1_000 };
  const logger = { error: note, info: note };
  const watch = new TwinWatch({ zone: 'a', ordinal: 0, run, logger, now: () => clock.nowMs });
  return { watch, clock, logs };
}

test('a process alone has no twin, nor one whose predecessor was killed', () => {
  const { watch, logs } = watchOf();
  for (let beat = 1; beat < 5; beat++) watch.look([heartbeat('me', 1_000, beat), heartbeat('killed', 0, 70)]);
  assert.deepEqual([watch.twins, watch.notReady(), watch.warning(), logs], [[], undefined, undefined, []]);
});

test('the older of two that live names the younger, and stays ready', () => {
  const { watch, logs } = watchOf();
  watch.look([heartbeat('me', 1_000, 1), heartbeat('other', 3_000, 1)]);
  watch.look([heartbeat('me', 1_000, 2), heartbeat('other', 3_000, 2)]);
  assert.equal(watch.notReady(), undefined);
  assert.match(
    `${watch.warning()}`,
    /zone a and ordinal 0 too: run other at other:9009, started at 1970-01-01T00:00:03/,
  );
  assert.deepEqual(watch.twins, [
    { runId: 'other', address: 'other:9009', startedAt: '1970-01-01T00:00:03.000Z', isYounger: true },
  ]);
  watch.look([heartbeat('other', 3_000, 3)]);
  assert.equal(logs.length, 1, 'it is told once');
});

test('the younger is not ready until the older has gone', () => {
  const { watch, clock, logs } = watchOf();
  watch.look([heartbeat('other', 500, 40)]);
  watch.look([heartbeat('other', 500, 41)]);
  assert.match(`${watch.notReady()}`, /run other at other:9009/);
  assert.equal(watch.warning(), undefined);
  clock.nowMs = 7_000;
  watch.look([heartbeat('other', 500, 41)]);
  assert.notEqual(watch.notReady(), undefined);
  clock.nowMs = 8_000;
  watch.look([heartbeat('other', 500, 41)]);
  assert.equal(watch.notReady(), undefined);
  assert.match(logs.at(-1) ?? '', /unique again/);
});

test('of two that started at once one is the younger, and both agree which', () => {
  const sides = ['a', 'z'].map((other) => {
    const { watch } = watchOf();
    watch.look([heartbeat(other, 1_000, 1)]);
    watch.look([heartbeat(other, 1_000, 2)]);
    return watch.notReady() === undefined;
  });
  assert.deepEqual(sides, [false, true]);
});
