import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerWatch } from './answer-watch.ts';

const turn = () => new Promise((done) => setImmediate(done));

function watchOf(ask: () => Promise<unknown>) {
  const clock = { nowMs: 0 };
  return { clock, watch: new AnswerWatch('PostgreSQL', ask, () => clock.nowMs) };
}

test('a server that answers is not worth a word', async () => {
  const { watch } = watchOf(async () => undefined);
  watch.start();
  await turn();
  assert.equal(watch.reason, undefined);
  watch.stop();
});

test('one that refuses is named after five seconds, with what it said', async () => {
  const { watch, clock } = watchOf(() => Promise.reject(new Error('connection refused')));
  watch.start();
  await turn();
  clock.nowMs = 4_999;
  assert.equal(watch.reason, undefined);
  clock.nowMs = 6_000;
  assert.equal(watch.reason, 'PostgreSQL has not answered for 6 s: connection refused');
  watch.stop();
});

test('one that is silent is named after fifteen seconds', async () => {
  const { watch, clock } = watchOf(() => new Promise(() => {}));
  watch.start();
  await turn();
  clock.nowMs = 14_999;
  assert.equal(watch.reason, undefined);
  clock.nowMs = 20_000;
  assert.equal(watch.reason, 'PostgreSQL has not answered for 20 s');
  watch.stop();
});
