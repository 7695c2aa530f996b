import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels } from '@xscaler/model';
import { encodeWriteRequest, type WriteSeries } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { counts, NOW_MS, series, setUp, stored, textOf } from './distributor.testbed.ts';

test('bombs get 413, garbage gets 400, and neither is stored', async () => {
  const { post, log } = setUp({ max_decompressed_size: 100_000, max_recv_msg_size: 50_000 });
  assert.equal((await post(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0))).status, 413);
  assert.equal((await post(packSnappy(new Uint8Array(100_001)))).status, 413);
  assert.equal((await post(new Uint8Array(50_001))).status, 413);
  assert.equal((await post(new Uint8Array(0))).status, 400);
  assert.equal((await post(Uint8Array.of(1, 2, 3, 4))).status, 400);
  const good = encodeWriteRequest([series({ a: 'b' }), series({ c: 'd' })]);
  assert.equal((await post(packSnappy(good.subarray(0, good.length - 1)))).status, 400);
  assert.equal(log.records.length, 0);
});

test('large requests are split into records of 512 KB, series with many samples too', async () => {
  const { push, log } = setUp({ max_samples_per_request: 0 }, {}, 1);
  const wide = Array.from({ length: 3_000 }, (_, i) => series({ i: `${i}`, pad: 'x'.repeat(300) }));
  assert.equal((await push(wide)).status, 204);
  assert.ok(log.records.length >= 2);
  for (const { record } of log.records) assert.ok(record.length <= 512 * 1024);
  assert.equal(stored(log).length, 3_000);
  log.records.length = 0;
  const timestamps = Array.from({ length: 500_000 }, (_, i) => NOW_MS - 500_000 + i);
  assert.equal((await push([{ labels: Labels.of({ a: 'b' }), timestamps, values: timestamps }])).status, 204);
  for (const { record } of log.records) assert.ok(record.length <= 8 * 1024 * 1024);
  assert.deepEqual(
    stored(log).flatMap((one) => one.timestamps),
    timestamps,
  );
});

test('random mixes of good and bad samples: sent = stored + refused by name', async () => {
  const { push, log, registry } = setUp({ max_label_value_length: 20 }, {}, 3);
  let state = 99;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let sent = 0;
  let good = 0;
  let named = 0;
  for (let request = 0; request < 200; request++) {
    const batch: WriteSeries[] = [];
    let bad = 0;
    for (let i = random(30); i >= 0; i--) {
      const value = random(10) === 0 ? 'x'.repeat(21) : `${random(50)}`;
      const pairs = random(10) === 0 ? ['b', '1', 'a', value] : ['a', value, 'b', '1'];
      if (random(20) === 0) pairs.push('b', '2');
      const timestamps = Array.from({ length: random(4) }, () =>
        random(8) === 0 ? random(1000) : NOW_MS + random(9),
      );
      const seriesBad = value.length > 20 || pairs.length > 4;
      bad += seriesBad ? timestamps.length : timestamps.filter((timestampMs) => timestampMs < 1000).length;
      sent += timestamps.length;
      batch.push({ labels: Labels.fromSorted(pairs), timestamps, values: timestamps });
    }
    const total = batch.reduce((sum, { timestamps }) => sum + timestamps.length, 0);
    good += total - bad;
    const answer = await push(batch);
    assert.equal(answer.status, bad === 0 ? 204 : 400);
    if (bad > 0) {
      const [, refused, kept] = /^(\d+) samples refused, (\d+) stored/.exec(
        textOf(answer),
      ) as RegExpExecArray;
      assert.deepEqual([Number(refused), Number(kept)], [bad, total - bad]);
      const inAll = /refused in all: (.*)/.exec(textOf(answer)) as RegExpExecArray;
      for (const [count] of inAll[1].matchAll(/\d+/g)) named += Number(count);
    }
  }
  const inLog = stored(log).reduce((sum, { timestamps }) => sum + timestamps.length, 0);
  assert.deepEqual([inLog, inLog + named], [good, sent]);
  assert.deepEqual(await counts(registry), { received: sent, stored: good, refused: sent - good });
});

test('damaged bodies get an answer and leave the distributor as before', async () => {
  const { post, push, log } = setUp();
  const body = encodeWriteRequest(
    Array.from({ length: 8 }, (_, i) => series({ __name__: 'requests_total', i: `${i}` })),
  );
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let run = 0; run < 3_000; run++) {
    const damaged = body.slice(0, random(3) === 0 ? random(body.length) : body.length);
    for (let flips = random(4); flips > 0 && damaged.length > 0; flips--)
      damaged[random(damaged.length)] ^= 1 << random(8);
    const { status } = await post(packSnappy(damaged));
    assert.ok(status === 204 || status === 400, `${status}`);
  }
  const before = stored(log).length;
  assert.equal((await push([series({ fine: 'yes' })])).status, 204);
  assert.equal(stored(log).length, before + 1);
});
