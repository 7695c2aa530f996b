import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels } from '@xscaler/model';
import { series, setUp, stored, textOf } from './distributor.testbed.ts';

const shard = (...partitions: number[]) => ({ partitions });

function placesOf({ log }: ReturnType<typeof setUp>): Map<string, number> {
  return new Map(stored(log).map(({ labels, partition }) => [`${labels}`, partition]));
}

test('after a shard changes, known series go where new ones would, from the next request on', async () => {
  const all = Array.from({ length: 300 }, (_, i) => series({ __name__: `m${i % 7}`, i: `${i}` }));
  const known = setUp({}, {}, 4);
  await known.push(all);
  const before = placesOf(known);
  known.log.records.length = 0;
  known.current.shard = shard(0, 1, 2, 3, 4, 5);
  await known.push(all);
  const after = placesOf(known);
  const fresh = setUp({}, {}, 6);
  await fresh.push(all);
  assert.deepEqual(after, placesOf(fresh));
  let moved = 0;
  for (const [labels, partition] of after) {
    if (partition === before.get(labels)) continue;
    assert.ok(partition >= 4, `${labels} moved to ${partition}`);
    moved++;
  }
  assert.ok(moved > 50 && moved < 150, `${moved}`);
});

test('samples and metadata go only to the shard’s partitions', async () => {
  const setup = setUp({}, {}, 1);
  const all = Array.from({ length: 50 }, (_, i) => series({ i: `${i}` }));
  setup.current.shard = shard(3, 9);
  await setup.push(all);
  assert.deepEqual([...new Set(setup.log.records.map(({ partition }) => partition))].sort(), [3, 9]);
  setup.log.records.length = 0;
  setup.current.shard = shard(9);
  await setup.push(all);
  assert.equal(placesOf(setup).size, 50);
  assert.deepEqual([...new Set(setup.log.records.map(({ partition }) => partition))], [9]);
});

test('labels that come out of order stay in normal form when their series moves', async () => {
  const setup = setUp({}, {}, 1);
  const sent = { ...series({}), labels: Labels.fromSorted(['z', '1', 'a', '2']) };
  for (const partition of [0, 1, 2]) {
    setup.current.shard = shard(partition);
    assert.equal((await setup.push([sent])).status, 204);
  }
  assert.deepEqual(
    stored(setup.log).map(({ partition, labels }) => [partition, ...labels.pairs]),
    [0, 1, 2].map((partition) => [partition, 'a', '2', 'z', '1']),
  );
});

test('a moved series isn’t new: the limit doesn’t refuse it', async () => {
  const setup = setUp({ max_global_series_per_user: 2 }, {}, 1);
  const known = [series({ i: '1' }), series({ i: '2' })];
  await setup.push(known);
  setup.current.shard = shard(0, 1);
  assert.equal((await setup.push(known)).status, 204);
  assert.equal((await setup.push([series({ i: '3' })])).status, 400);
});

test('samples are refused while tenant placement is not loaded', async () => {
  const setup = setUp();
  setup.current.shard = undefined;
  const answer = await setup.push([series({ a: 'b' })]);
  assert.equal(answer.status, 503);
  assert.match(textOf(answer), /tenant placement is not loaded yet/);
  assert.equal(setup.log.records.length, 0);
});

test('clients that get a 503 are told to retry at different times, in every protocol', async () => {
  const numbers = [0, 0.5, 0.999];
  let drawn = 0;
  const setup = setUp({}, { random: () => numbers[drawn++ % numbers.length] });
  setup.current.shard = undefined;
  const told: unknown[] = [];
  for (const _ of numbers) told.push((await setup.push([series({ a: 'b' })])).headers['retry-after']);
  assert.deepEqual(told, ['3', '5', '7']);
  for (const seconds of [3, 5, 7]) {
    const answer = await setup.postOtlp(Buffer.from('{}'), { 'content-type': 'application/json' });
    assert.equal(answer.headers['retry-after'], `${seconds}`);
    assert.equal(JSON.parse(textOf(answer)).details[0].retryDelay, `${seconds}s`);
  }
});
