import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openMemoryCluster } from '@xscaler/cluster';
import { HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { RecordVersions } from './record-versions.ts';

const TTL_MS = 15_000;
const HOUR_MS = 3_600_000;

function setUp() {
  const clock = { nowMs: 0 };
  const { owners } = openMemoryCluster({ ttlMs: TTL_MS, now: () => clock.nowMs });
  const told: object[] = [];
  const tell = (fields: object) => told.push(fields);
  const make = () =>
    new RecordVersions({
      owners: () => owners.owners(),
      clock: () => clock.nowMs,
      logger: { info: tell, warn: tell },
    });
  const versions = make();
  const announce = (instanceId: string, recordVersion: number, runId = instanceId) => {
    const partitions = new Map([[0, { state: 'live', appliedOffset: 0 } as const]]);
    const run = { id: runId, startedMs: 0, beat: 0 };
    return owners.announce({
      instanceId,
      run,
      zone: 'a',
      ordinal: 0,
      address: `${runId}:1`,
      recordVersion,
      partitions,
    });
  };
  /** The version allowed after a look. */
  const look = async (who = versions) => {
    await who.start();
    await who.stop();
    return who.current;
  };
  return { clock, owners, told, announce, look, make };
}

test('the written version is one that every ingester reads, and not newer than this program knows', async () => {
  const { told, announce, look } = setUp();
  assert.equal(await look(), 1, 'nobody is known yet');
  await announce('a', HIGHEST_RECORD_VERSION + 1);
  assert.equal(await look(), HIGHEST_RECORD_VERSION);
  await announce('b', 1);
  assert.equal(await look(), 1);
  assert.equal(await look(), 1);
  await announce('b', HIGHEST_RECORD_VERSION);
  assert.equal(await look(), HIGHEST_RECORD_VERSION);
  assert.deepEqual(told, [
    { recordVersion: HIGHEST_RECORD_VERSION },
    { recordVersion: 1, ingesters: ['b'] },
    { recordVersion: HIGHEST_RECORD_VERSION },
  ]);
});

test('a stopped ingester is remembered for an hour: it may return unchanged', async () => {
  const { clock, announce, look, make } = setUp();
  await announce('a', 2);
  await announce('b', 1);
  assert.equal(await look(), 1);
  clock.nowMs += HOUR_MS;
  await announce('a', 2);
  assert.equal(await look(), 1);
  assert.equal(await look(make()), 2, 'who never saw it knows nothing of it');
  clock.nowMs += 1;
  await announce('a', 2);
  assert.equal(await look(), 2);
});

test('of two processes with the same instance id, the lower version counts', async () => {
  for (const order of [
    ['first', 'second'],
    ['second', 'first'],
  ]) {
    const { announce, look } = setUp();
    await announce('a', 1, order[0]);
    await announce('a', 2, order[1]);
    assert.equal(await look(), 1);
  }
});

test('without announcements the last known version is kept', async () => {
  const { clock, owners, announce, look } = setUp();
  await announce('a', 2);
  assert.equal(await look(), 2);
  clock.nowMs += 2 * HOUR_MS;
  assert.equal(await look(), 2);
  owners.owners = () => Promise.reject(new Error('away'));
  assert.equal(await look(), 2);
});
