import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { Lifecycle, type Module, readinessAnswer } from './lifecycle.ts';
import { createLogger } from './logging.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

/** Modules that write down what happens to them. */
function tableOf(needs: Record<string, string[]>, overrides: Record<string, Partial<Module>> = {}) {
  const events: string[] = [];
  const modules = Object.entries(needs).map(([name, needed]) => ({
    name,
    needs: needed,
    start: async () => void events.push(`start ${name}`),
    stop: async () => void events.push(`stop ${name}`),
    ...overrides[name],
  }));
  return { events, modules };
}

const CHAIN = { gateway: ['distributor', 'querier'], querier: ['log'], distributor: ['log'], log: [] };

test('modules start after what they need and stop before it', async () => {
  const { events, modules } = tableOf(CHAIN);
  const lifecycle = new Lifecycle({ modules, logger });
  assert.equal(lifecycle.notReady(), 'idle');
  await lifecycle.start();
  assert.equal(lifecycle.notReady(), undefined);
  await lifecycle.stop();
  assert.equal(lifecycle.state, 'stopped');
  assert.equal(lifecycle.notReady(), 'stopped');
  assert.deepEqual(events, [
    ...['log', 'distributor', 'querier', 'gateway'].map((name) => `start ${name}`),
    ...['gateway', 'querier', 'distributor', 'log'].map((name) => `stop ${name}`),
  ]);
});

test('a module that waits says what for, and ends its wait when a stop is asked for', async () => {
  const waiting: Partial<Module> = {
    start: (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
      ),
    notReady: () => 'no peer is reachable',
  };
  const { events, modules } = tableOf(CHAIN, { distributor: waiting });
  const lifecycle = new Lifecycle({ modules, logger });
  void lifecycle.start();
  await new Promise((done) => setImmediate(done));
  assert.equal(lifecycle.notReady(), 'starting distributor: no peer is reachable');
  await lifecycle.stop();
  assert.equal(lifecycle.state, 'stopped');
  assert.deepEqual(events, ['start log', 'stop log']);
});

test('tables that make no sense are refused', () => {
  const make = (needs: Record<string, string[]>) => () =>
    new Lifecycle({ modules: tableOf(needs).modules, logger });
  assert.throws(make({ a: ['b'], b: ['c'], c: ['a'] }), /a → b → c → a/);
  assert.throws(make({ a: ['nobody'] }), /needs nobody/);
  const twice = [...tableOf({ a: [] }).modules, ...tableOf({ a: [] }).modules];
  assert.throws(() => new Lifecycle({ modules: twice, logger }), /two modules/);
});

test('a module that fails to start has those before it stopped', async () => {
  const failing = { start: () => Promise.reject(new Error('port taken')) };
  const { events, modules } = tableOf(CHAIN, { querier: failing });
  const lifecycle = new Lifecycle({ modules, logger });
  await assert.rejects(lifecycle.start(), /port taken/);
  assert.equal(lifecycle.state, 'failed');
  assert.deepEqual(events, ['start log', 'start distributor', 'stop distributor', 'stop log']);
});

test('a module that fails to stop does not keep the others from it', async () => {
  const failing = { stop: () => Promise.reject(new Error('stuck')) };
  const { events, modules } = tableOf(CHAIN, { querier: failing });
  const lifecycle = new Lifecycle({ modules, logger });
  await lifecycle.start();
  await assert.rejects(lifecycle.stop(), AggregateError);
  assert.deepEqual(events.slice(-3), ['stop gateway', 'stop distributor', 'stop log']);
});

test('a stop past its deadline is given up', async () => {
  const { modules } = tableOf({ a: [] }, { a: { stop: () => new Promise(() => {}) } });
  const lifecycle = new Lifecycle({ modules, logger, stopDeadlineMs: 5 });
  await lifecycle.start();
  await assert.rejects(lifecycle.stop(), /not stopped within 5 ms/);
  assert.equal(lifecycle.state, 'failed');
});

test('a stop while modules start lets the current one finish, starts no more and stops all', async () => {
  const gate = Promise.withResolvers<void>();
  const { events, modules } = tableOf(CHAIN, { distributor: { start: () => gate.promise } });
  const lifecycle = new Lifecycle({ modules, logger });
  const started = lifecycle.start();
  await new Promise(setImmediate);
  const stopped = lifecycle.stop();
  assert.equal(lifecycle.stop(), stopped);
  gate.resolve();
  await started;
  await stopped;
  assert.deepEqual(events, ['start log', 'stop distributor', 'stop log']);
});

test('readiness is that of every module', async () => {
  let reason: string | undefined = 'replaying';
  const { modules } = tableOf({ ingester: [] }, { ingester: { notReady: () => reason } });
  const lifecycle = new Lifecycle({ modules, logger });
  await lifecycle.start();
  assert.equal(lifecycle.notReady(), 'ingester: replaying');
  reason = undefined;
  assert.equal(lifecycle.notReady(), undefined);
});

test('what a module warns of is said beside the readiness, which it does not change', async () => {
  let warning: string | undefined = 'Kafka is unreachable';
  const { modules } = tableOf({ log: [], querier: ['log'] }, { log: { warning: () => warning } });
  const lifecycle = new Lifecycle({ modules, logger });
  await lifecycle.start();
  assert.deepEqual(readinessAnswer(lifecycle), {
    status: 200,
    text: 'ready\nwarning: log: Kafka is unreachable\n',
  });
  warning = undefined;
  assert.deepEqual(readinessAnswer(lifecycle), { status: 200, text: 'ready\n' });
  await lifecycle.stop();
  assert.deepEqual(readinessAnswer(lifecycle), { status: 503, text: 'stopped\n' });
});

test('one signal stops in order, a second one at once', async () => {
  const { events, modules } = tableOf({ a: [] });
  const signals = new EventEmitter();
  const orderly = new Lifecycle({ modules, logger }).runUntilSignal(signals);
  await new Promise(setImmediate);
  signals.emit('SIGTERM', 'SIGTERM');
  assert.equal(await orderly, 0);
  assert.deepEqual(events, ['start a', 'stop a']);
  assert.equal(signals.listenerCount('SIGTERM'), 0);

  const stuck = tableOf({ a: [] }, { a: { stop: () => new Promise(() => {}) } });
  const impatient = new Lifecycle({ modules: stuck.modules, logger, stopDeadlineMs: 50 }).runUntilSignal(
    signals,
  );
  await new Promise(setImmediate);
  signals.emit('SIGINT', 'SIGINT');
  signals.emit('SIGINT', 'SIGINT');
  assert.equal(await impatient, 130);
});

test('a start that fails ends the run with 1', async () => {
  const { modules } = tableOf({ a: [] }, { a: { start: () => Promise.reject(new Error('no')) } });
  assert.equal(await new Lifecycle({ modules, logger }).runUntilSignal(new EventEmitter()), 1);
});
