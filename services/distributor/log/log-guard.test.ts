import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError, type KnownLog } from '@xscaler/database';
import { WriteLogError } from '@xscaler/writelog';
import { MemoryLog, series, setUp, textOf } from '../distributor.testbed.ts';
import { GuardedLog, LogGuard } from './log-guard.ts';

/** A guard, with the answers of its database and its log. */
function guarded(known: Partial<KnownLog> = {}) {
  const log = new MemoryLog(4);
  const state = {
    known: { registered: undefined, partitions: [], ...known } as KnownLog,
    isDatabaseAway: false,
    identity: 'log-a' as string | WriteLogError,
  };
  log.identity = async () => {
    if (typeof state.identity === 'string') return state.identity;
    throw state.identity;
  };
  const ask = <T>(answer: () => T): Promise<T> => {
    if (!state.isDatabaseAway) return Promise.resolve(answer());
    return Promise.reject(new DatabaseError('unavailable', 'nobody answers'));
  };
  const guard = new LogGuard({
    log,
    identities: {
      known: () => ask(() => state.known),
      register: (identity) =>
        ask(() => {
          state.known = { ...state.known, registered: state.known.registered ?? identity };
          return state.known.registered as string;
        }),
    },
    logger: { info() {}, error() {} },
  });
  return { log, state, guard, writes: new GuardedLog(log, guard) };
}

const partitionOf = (partition: number, resumeOffset: number, identity?: string) => ({
  partition,
  resumeOffset,
  identity,
});

test('no record goes to the log before the first check', async () => {
  const { guard, writes, log } = guarded();
  await assert.rejects(writes.append(0, new Uint8Array(1)), { code: 'unavailable' });
  assert.match(guard.notReady() ?? '', /not been checked yet/);
  await guard.check();
  assert.equal(await writes.append(0, new Uint8Array(1)), 0);
  assert.equal(log.records.length, 1);
});

test('the first log is registered, and no other one accepts records after it', async () => {
  const { guard, writes, state, log } = guarded();
  await guard.check();
  assert.equal(state.known.registered, 'log-a');
  assert.equal(guard.notReady(), undefined);
  state.identity = 'log-b';
  await guard.check();
  await assert.rejects(writes.append(0, new Uint8Array(1)), {
    code: 'log_replaced',
    message: /not the one that blocks were created from: its identity is log-b, not log-a/,
  });
  assert.match(guard.notReady() ?? '', /its identity is log-b/);
  assert.equal(log.records.length, 0);
  state.known = { ...state.known, registered: 'log-b' };
  await guard.check();
  await writes.append(0, new Uint8Array(1));
});

test('no write is accepted while a partition still follows the old log', async () => {
  const partitions = [partitionOf(0, 5, 'log-b'), partitionOf(1, 5, 'log-a')];
  const { guard, state } = guarded({ registered: 'log-a', partitions });
  state.identity = 'log-b';
  await guard.check();
  assert.throws(() => guard.requireRight(), { code: 'log_replaced' });
  state.known = { registered: 'log-b', partitions: [partitions[0], partitionOf(1, 0, 'log-b')] };
  await guard.check();
  guard.requireRight();
});

test('partitions that the log no longer has are ignored', async () => {
  const partitions = [partitionOf(3, 5, 'log-b'), partitionOf(4, 5, 'log-a')];
  const { guard, state } = guarded({ registered: 'log-b', partitions });
  state.identity = 'log-b';
  await guard.check();
  guard.requireRight();
});

test('a log from before there were identities is registered unless it ends below a resume offset', async () => {
  const { guard, writes, state, log } = guarded({ partitions: [partitionOf(2, 2)] });
  await guard.check();
  await assert.rejects(writes.append(2, new Uint8Array(1)), {
    code: 'log_replaced',
    message: /partition 2 ends at offset 0, below its resume offset 2/,
  });
  assert.equal(state.known.registered, undefined);
  await log.append(2, new Uint8Array(1));
  await log.append(2, new Uint8Array(1));
  await guard.check();
  assert.equal(state.known.registered, 'log-a');
  await writes.append(2, new Uint8Array(1));
});

test('a log is not registered while a partition was read from another one', async () => {
  const { guard, state } = guarded({ partitions: [partitionOf(0, 0, 'log-b')] });
  await guard.check();
  assert.throws(() => guard.requireRight(), { code: 'log_replaced', message: /is log-a, not log-b/ });
  assert.equal(state.known.registered, undefined);
});

test('a missing log is refused; an unreachable one is not ready and retried', async () => {
  const { guard, writes, state } = guarded();
  await guard.check();
  state.identity = new WriteLogError('unavailable', 'no broker answers');
  await guard.check();
  assert.equal(guard.notReady(), 'the write log is unreachable: no broker answers');
  await writes.append(0, new Uint8Array(1));
  state.identity = new WriteLogError('log_missing', 'topic x does not exist');
  await guard.check();
  assert.equal(guard.notReady(), 'the write log is gone: topic x does not exist');
  await assert.rejects(writes.append(0, new Uint8Array(1)), { code: 'log_missing' });
  state.identity = 'log-a';
  await guard.check();
  assert.equal(guard.notReady(), undefined);
});

test('the public reason does not name a damaged log’s file', async () => {
  const { guard, state } = guarded({ registered: 'log-a' });
  state.identity = new WriteLogError('damaged', '/data/write-log.sqlite is damaged (malformed)');
  await guard.check();
  assert.equal(guard.notReady(), 'the write log is unreachable: the file of the write log is damaged');
});

test('while the database is unreachable its last answer holds; without one nothing is decided', async () => {
  const { guard, state } = guarded({ registered: 'log-a' });
  state.isDatabaseAway = true;
  await guard.check();
  assert.throws(() => guard.requireRight(), {
    code: 'unavailable',
    message: /the database is unreachable/,
  });
  state.isDatabaseAway = false;
  await guard.check();
  state.isDatabaseAway = true;
  await guard.check();
  guard.requireRight();
  state.identity = 'log-b';
  await guard.check();
  assert.throws(() => guard.requireRight(), { code: 'log_replaced' });
});

test('a write that the guard refuses gets a 503 with the reason and Retry-After, and is not stored', async () => {
  const { guard, writes, state, log } = guarded({ registered: 'log-b' });
  await guard.check();
  const { push } = setUp({}, { log: writes });
  const answer = await push([series({ __name__: 'up' })]);
  assert.equal(answer.status, 503);
  assert.match(textOf(answer), /the write log is not the one that blocks were created from/);
  assert.ok(Number(answer.headers['retry-after']) > 0);
  assert.equal(log.records.length, 0);
  state.identity = 'log-b';
  await guard.check();
  assert.equal((await push([series({ __name__: 'up' })])).status, 204);
});
