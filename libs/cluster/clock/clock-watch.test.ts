import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockWatch } from './clock-watch.ts';

const HOUR_MS = 3_600_000;
const SKEW_MS = 60_000;

/** Clocks that a test sets, each as far ahead of the true time as it says; one that is undefined doesn't answer. */
function setUp(names: readonly string[] = ['postgresql', 'kafka', 'redis'], answersAfterMs = 2) {
  const state = { trueMs: 1_000 * HOUR_MS, ownMs: 0, monotonicLagMs: 0 };
  const ahead: Record<string, number | undefined> = Object.fromEntries(names.map((name) => [name, 0]));
  const told: string[] = [];
  const witnesses = names.map((name) => ({
    name,
    read: async () => {
      const aheadMs = ahead[name];
      if (aheadMs === undefined) throw new Error(`${name} is unreachable`);
      const readMs = state.trueMs + aheadMs;
      state.trueMs += answersAfterMs;
      return readMs;
    },
  }));
  const tell = (fields: object, message: string) => told.push(`${message} ${JSON.stringify(fields)}`);
  const watch = new ClockWatch({
    witnesses,
    own: { wall: () => state.trueMs + state.ownMs, monotonic: () => state.trueMs - state.monotonicLagMs },
    maxSkewMs: SKEW_MS,
    logger: { info: tell, warn: tell },
  });
  const fault = async () => {
    await watch.compare();
    return watch.clock.fault();
  };
  return { state, ahead, told, watch, fault };
}

test('nothing goes by a clock that was not compared', () => {
  assert.match(setUp().watch.clock.fault() ?? '', /not been compared/);
});

test('a clock that differs from all others by more than is allowed is wrong, in both directions', async () => {
  const { state, fault, told } = setUp();
  assert.equal(await fault(), undefined);
  state.ownMs = SKEW_MS - 20;
  assert.equal(await fault(), undefined);
  state.ownMs = SKEW_MS + 20;
  assert.match(
    (await fault()) ?? '',
    /is 1m 0s ahead of the clock of PostgreSQL and Kafka and Redis; .*max_clock_skew is 1m 0s/,
  );
  state.ownMs = -3 * HOUR_MS;
  assert.match((await fault()) ?? '', /is 3h 0m 0s behind the clock of PostgreSQL and Kafka and Redis/);
  assert.match(told.join('\n'), /the local clock is wrong: work that depends on it has stopped .*behind/);
  state.ownMs = 0;
  assert.equal(await fault(), undefined);
  assert.match(told.at(-1) ?? '', /correct again/);
});

test('a jump is noticed before the next comparison, and so is the way back', async () => {
  const { state, watch, fault } = setUp();
  assert.equal(await fault(), undefined);
  state.ownMs = 3 * HOUR_MS;
  assert.match(watch.clock.fault() ?? '', /3h 0m 0s ahead/);
  state.ownMs = 0;
  assert.equal(watch.clock.fault(), undefined);
});

for (const odd of ['postgresql', 'kafka', 'redis']) {
  test(`when ${odd} is the odd one out it is warned of, and work goes on`, async () => {
    const { ahead, fault, told } = setUp();
    ahead[odd] = 3 * HOUR_MS;
    assert.equal(await fault(), undefined);
    assert.equal(told.length, 1);
    assert.match(told[0], new RegExp(`^the clock of ${odd} is wrong.*3h 0m 0s ahead`));
  });
}

test('a process that shares the wrong clock of one server is wrong with it', async () => {
  const { state, ahead, fault } = setUp();
  ahead['postgresql'] = 3 * HOUR_MS;
  state.ownMs = 3 * HOUR_MS;
  assert.match((await fault()) ?? '', /ahead of the clock of Kafka and Redis/);
});

test('of two witnesses both are needed to call a clock wrong, and both on one side', async () => {
  const { state, ahead, fault, told } = setUp(['postgresql', 'redis']);
  state.ownMs = 3 * HOUR_MS;
  assert.match((await fault()) ?? '', /3h 0m 0s ahead of the clock of PostgreSQL and Redis/);
  state.ownMs = 0;
  ahead['postgresql'] = -3 * HOUR_MS;
  assert.equal(await fault(), undefined);
  assert.match(told.at(-1) ?? '', /postgresql is wrong/);
  ahead['redis'] = 3 * HOUR_MS;
  assert.equal(await fault(), undefined, 'it is the middle one of three');
});

test('with no witness, or one, what was known before counts', async () => {
  const { state, ahead, fault } = setUp();
  assert.equal(await fault(), undefined);
  for (const name of Object.keys(ahead)) ahead[name] = undefined;
  assert.equal(await fault(), undefined);
  state.ownMs = 3 * HOUR_MS;
  assert.match((await fault()) ?? '', /3h 0m 0s ahead/);
  ahead['postgresql'] = 3 * HOUR_MS;
  assert.equal(await fault(), undefined, 'two against what was known before');
  state.ownMs = 0;
  assert.match((await fault()) ?? '', /3h 0m 0s behind the clock of PostgreSQL;/);
});

test('a machine that slept is right as soon as a witness says so', async () => {
  const { state, watch, fault, ahead } = setUp(['postgresql', 'redis']);
  assert.equal(await fault(), undefined);
  // The monotonic clock stands still meanwhile.
  state.trueMs += HOUR_MS;
  state.monotonicLagMs += HOUR_MS;
  assert.match(watch.clock.fault() ?? '', /1h 0m 0s ahead/);
  ahead['redis'] = undefined;
  assert.equal(await fault(), undefined);
});

test('before anything is known one witness is believed, and none leaves it so', async () => {
  const { state, ahead, fault } = setUp(['postgresql', 'redis']);
  ahead['postgresql'] = undefined;
  ahead['redis'] = undefined;
  assert.match((await fault()) ?? '', /not been compared/);
  ahead['postgresql'] = 0;
  state.ownMs = HOUR_MS;
  assert.match((await fault()) ?? '', /1h 0m 0s ahead of the clock of PostgreSQL;/);
  state.ownMs = 0;
  assert.equal(await fault(), undefined);
});

test('a witness that takes too long says too little to be counted', async () => {
  const { state, fault } = setUp(['postgresql', 'kafka', 'redis'], SKEW_MS);
  assert.match((await fault()) ?? '', /not been compared/);
  state.ownMs = 0;
});

test('what is left of what is allowed covers what the question took', async () => {
  const { state, fault } = setUp(['postgresql', 'kafka', 'redis'], 1_000);
  state.ownMs = SKEW_MS - 5_000;
  assert.equal(await fault(), undefined);
  state.ownMs = SKEW_MS - 400;
  assert.match((await fault()) ?? '', /ahead/);
});

test('each witness is told apart by how far this clock is ahead of it', async () => {
  const { state, ahead, watch, fault } = setUp(['postgresql', 'kafka', 'redis'], 0);
  ahead['kafka'] = -5_000;
  ahead['redis'] = undefined;
  state.ownMs = 1_000;
  await fault();
  assert.deepEqual(
    [...watch.skews()],
    [
      ['postgresql', 1_000],
      ['kafka', 6_000],
    ],
  );
});
