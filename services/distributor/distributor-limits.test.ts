import assert from 'node:assert/strict';
import test from 'node:test';
import { Labels, seriesId } from '@xscaler/model';
import { WriteLogError } from '@xscaler/writelog';
import { counts, NOW_MS, series, setUp, stored, textOf } from './distributor.testbed.ts';

test('a request with too many samples is refused whole, naming the limit', async () => {
  const { push, log, registry } = setUp({ max_samples_per_request: 3 });
  const many = ['1', '2', '3', '4'].map((i) => series({ i }));
  assert.equal((await push(many.slice(1))).status, 204);
  const answer = await push(many);
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /4 samples, max_samples_per_request is 3/);
  assert.equal(stored(log).length, 3);
  assert.deepEqual(await counts(registry), { received: 7, stored: 3, refused: 4 });
});

test('a refusal for length gives the length and names the label', async () => {
  const { push } = setUp({ max_label_value_length: 600, max_label_name_length: 12 });
  const long = await push([series({ a: 'v'.repeat(599), z: 'ü'.repeat(301) })]);
  assert.match(textOf(long), /a label value is longer than max_label_value_length \("z" has 602 of 600\)/);
  const named = await push([series({ of_13_letters: '1' })]);
  assert.match(textOf(named), /a label name is longer than max_label_name_length \(13 of 12\)/);
});

test('above the ingestion rate a request gets 429 and when to come back', async () => {
  const { push, clock, log } = setUp({ ingestion_rate: 2, ingestion_burst_size: 4 });
  const four = ['1', '2', '3', '4'].map((i) => series({ i }));
  assert.equal((await push(four)).status, 204);
  const refused = await push(four);
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '2');
  assert.equal(stored(log).length, 4);
  clock.nowMs += 2_000;
  assert.equal((await push(four)).status, 204);
  clock.nowMs += 2_000;
  assert.equal(
    (await push([...four, series({ i: '5' })])).status,
    204,
    'larger than the burst passes in the end',
  );
});

test('a new series above the limit is refused by name, existing ones are stored', async () => {
  const { push, clock, current } = setUp({ max_global_series_per_user: 2 });
  assert.equal((await push([series({ i: '1' }), series({ i: '2' })])).status, 204);
  const answer = await push([series({ i: '1' }), series({ i: '3' }), series({ i: '2' })]);
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /\{i="3"\}: the new series exceeds max_global_series_per_user \(limit 2\)/);
  assert.match(textOf(answer), /1 samples refused, 2 stored/);
  const reordered = { labels: Labels.fromSorted(['z', '', 'i', '1']), timestamps: [NOW_MS], values: [1] };
  assert.equal((await push([reordered])).status, 204, 'an existing series that comes in other bytes');
  current.limits = { ...current.limits, max_global_series_per_user: 3 };
  assert.equal((await push([series({ i: '3' })])).status, 204, 'limits are live');
  assert.equal((await push([series({ i: '4' })])).status, 400);
  clock.nowMs += 90 * 60_000;
  for (let i = 0; i < 64; i++) {
    clock.nowMs += 1_000;
    await push([series({ i: '1' }, clock.nowMs)]);
  }
  assert.equal(
    (await push([series({ i: '4' }, clock.nowMs)])).status,
    204,
    'the others were not seen for an hour',
  );
  assert.equal((await push([series({ i: '5' }, clock.nowMs)])).status, 204);
  assert.equal(
    (await push([series({ i: '2' }, clock.nowMs)])).status,
    400,
    'a series that was absent is new again',
  );
});

test('a limit set later counts known series', async () => {
  const { push, current } = setUp();
  assert.equal((await push([series({ i: '1' }), series({ i: '2' })])).status, 204);
  current.limits = { ...current.limits, max_global_series_per_user: 1 };
  assert.equal((await push([series({ i: '1' }), series({ i: '2' })])).status, 204);
  assert.equal((await push([series({ i: '3' })])).status, 400);
});

test('every series is accepted until the active ones are loaded', async () => {
  const { promise, resolve } = Promise.withResolvers<Uint32Array>();
  const { push } = setUp({ max_global_series_per_user: 3 }, { activeSeries: () => promise });
  const early = ['1', '2', '3', '4'].map((i) => series({ i }));
  assert.equal((await push(early)).status, 204);
  const elsewhere = seriesId('acme', Labels.of({ i: 'elsewhere' }));
  resolve(new Uint32Array(new Uint8Array(elsewhere).buffer));
  await new Promise((next) => setImmediate(next));
  assert.equal((await push([...early, series({ i: 'elsewhere' })])).status, 204);
  assert.equal((await push([series({ i: 'new' })])).status, 400);
});

test('lowered label limits apply to known series too, and raised ones accept them again', async () => {
  const { push, current } = setUp();
  const one = series({ a: 'long value' });
  assert.equal((await push([one])).status, 204);
  current.limits = { ...current.limits, max_label_value_length: 3 };
  assert.match(textOf(await push([one])), /label value is longer/);
  current.limits = { ...current.limits, max_label_value_length: 30 };
  assert.equal((await push([one])).status, 204);
});

test('if any partition fails the whole request is a 503 with Retry-After', async () => {
  const { push, log, registry } = setUp();
  const many = Array.from({ length: 40 }, (_, i) => series({ i: `${i}` }));
  for (const code of ['unavailable', 'disk_full', 'closed'] as const) {
    log.failing.set(2, new WriteLogError(code, code));
    const answer = await push(many);
    assert.equal(answer.status, 503);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
  }
  log.failing.clear();
  assert.equal((await push(many)).status, 204);
  assert.deepEqual(await counts(registry), { received: 160, stored: 40, refused: 120 });
});

test('with too much in flight a request gets a 503 before its body is read', async () => {
  const { push, log } = setUp({}, { maxInFlightBytes: 10 });
  const { promise, resolve } = Promise.withResolvers<void>();
  log.gate = promise;
  const first = push([series({ a: 'b' })]);
  assert.equal((await push([series({ a: 'b' })])).status, 503);
  resolve();
  assert.equal((await first).status, 204);
  assert.equal((await push([series({ a: 'b' })])).status, 204);
});
