import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import { RemoteError, RpcError } from '../rpc-error.ts';
import type { Answering } from '../test-threads/answering-thread.ts';
import { type ConnectOptions, connect, serve } from './port-rpc.ts';

const never = new AbortController().signal;

function startAnswering(t: TestContext, options: ConnectOptions = {}) {
  const { port1, port2 } = new MessageChannel();
  const url = new URL('../test-threads/answering-thread.ts', import.meta.url);
  const worker = new Worker(url, { workerData: port2, transferList: [port2] });
  t.after(async () => {
    await worker.terminate();
  });
  const streams = { count: true, frames: true, failAfter: true } as const;
  return { api: connect<Answering>(port1, { ...options, streams }), worker, port: port1 };
}

async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

/** Asks until the thread has noted what is waited for. */
async function eventsWith(api: Answering, event: string): Promise<string[]> {
  for (;;) {
    const events = await api.events(undefined, never);
    if (events.includes(event)) return events;
  }
}

test('requests and replies cross unchanged', async (t) => {
  const { api } = startAnswering(t);
  for (const value of [undefined, null, 0, 'text', [1, [2]], { a: { b: ['c'] } }, new Map([[1, 2]])]) {
    assert.deepEqual(await api.echo(value, never), value);
  }
});

test('answers of a server that copies leave its buffers to it, and bring no neighbours', async (t) => {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const own = new Uint8Array(100_000).fill(7);
  const slab = new Uint8Array(100_000).fill(9);
  interface Keeping {
    bytes(request: undefined, signal: AbortSignal): Promise<Uint8Array[]>;
  }
  serve<Keeping>(port2, { bytes: async () => [own, slab.subarray(10, 20)] }, { copies: true });
  const [whole, part] = await connect<Keeping>(port1).bytes(undefined, never);
  assert.deepEqual([own.byteLength, slab.byteLength], [100_000, 100_000]);
  assert.deepEqual(whole, own);
  assert.deepEqual([part.buffer.byteLength, part[0]], [10, 9]);
});

test('bytes that own their buffer are moved, others copied without their neighbours', async (t) => {
  const { api } = startAnswering(t);
  const own = new Uint8Array(100_000);
  assert.equal(await api.bufferBytes(own, never), 100_000);
  assert.equal(own.byteLength, 0);

  const slab = new Uint8Array(100_000).fill(9);
  assert.equal(await api.bufferBytes(slab.subarray(10, 20), never), 10);
  assert.equal(slab.byteLength, 100_000);

  const pooled = Buffer.from('pooled');
  assert.equal(await api.bufferBytes(pooled, never), 6);
  assert.equal(pooled.toString(), 'pooled');

  const { bytes, list } = await api.pooled('hello', never);
  assert.equal(Buffer.from(bytes).toString(), 'hello');
  assert.deepEqual(
    [bytes, ...list].map((view) => view.buffer.byteLength),
    [5, 5, 3],
  );
});

test('arrays of other numbers keep their kind, empty ones can be sent for ever, shared ones stay shared', async (t) => {
  const { api } = startAnswering(t);
  const columns = {
    times: new Float64Array([1.5, 2.5]).subarray(1),
    ids: new Uint32Array([7]),
    none: new Float64Array(0),
  };
  for (let round = 0; round < 2; round++) {
    const echo = await api.echo({ none: columns.none, times: columns.times }, never);
    assert.deepEqual(echo, { none: new Float64Array(0), times: new Float64Array([2.5]) });
  }
  assert.deepEqual(await api.echo([columns.ids], never), [new Uint32Array([7])]);
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const echo = (await api.echo(shared, never)) as Int32Array;
  Atomics.store(echo, 0, 5);
  assert.equal(shared[0], 5);
});

test('bytes that were given away cannot be sent again', async (t) => {
  const { api } = startAnswering(t);
  const bytes = new Uint8Array(10);
  await api.echo(bytes, never);
  await assert.rejects(api.echo(bytes, never), { name: 'TypeError', message: /was transferred before/ });
});

test('errors cross with name, message and code', async (t) => {
  const { api } = startAnswering(t);
  await assert.rejects(api.fail('', never), (error: unknown) => {
    assert.ok(error instanceof RemoteError);
    assert.equal(error.name, 'RangeError');
    assert.equal(error.message, 'too far');
    assert.equal(error.code, 'out_of_range');
    assert.match(error.stack!, /answering-thread/);
    return true;
  });
  await assert.rejects(api.fail('text', never), { name: 'Error', message: 'just text' });
  await assert.rejects(api.fail('unclonable', never), { name: 'DataCloneError' });
  const nonsense = api as unknown as { nonsense(request: undefined, signal: AbortSignal): Promise<unknown> };
  await assert.rejects(nonsense.nonsense(undefined, never), { name: 'RpcError', code: 'unknown_method' });
  await assert.rejects(
    api.echo(() => {}, never),
    { name: 'DataCloneError' },
  );
  assert.equal(await api.echo('still there', never), 'still there');
});

test('calls start in the order they were made', async (t) => {
  const { api } = startAnswering(t);
  const names = Array.from({ length: 200 }, (_, i) => `${i}`);
  await Promise.all(names.map((name) => api.echo(name, never)));
  assert.deepEqual(
    await api.events(undefined, never),
    names.map((name) => `echo ${name}`),
  );
});

test('aborting a call rejects it with the reason and aborts the signal over there', async (t) => {
  const { api } = startAnswering(t);
  const canceler = new AbortController();
  const waiting = api.wait('a', canceler.signal);
  await eventsWith(api, 'wait a');
  canceler.abort(new Error('client left'));
  await assert.rejects(waiting, { message: 'client left' });
  await eventsWith(api, 'cancelled a');
  await assert.rejects(api.wait('b', canceler.signal), { message: 'client left' });
  assert.ok(!(await api.events(undefined, never)).includes('wait b'));
});

test('no more calls are in flight than allowed, cancelled ones counted until they have ended', async (t) => {
  const { api } = startAnswering(t, { maxConcurrentCalls: 2 });
  const canceler = new AbortController();
  const waiting = [api.wait('a', canceler.signal), api.wait('b', canceler.signal)];
  await assert.rejects(api.echo(1, never), { name: 'RpcError', code: 'overloaded' });
  await assert.rejects(collect(api.count(1, never)), { code: 'overloaded' });
  canceler.abort();
  await Promise.allSettled(waiting);
  for (;;) {
    const events = await api.events(undefined, never).catch(() => undefined);
    if (events === undefined) {
      await new Promise(setImmediate);
      continue;
    }
    assert.ok(events.includes('cancelled a') || events.includes('cancelled b'));
    break;
  }
});

test('a stream comes in order and to its end', async (t) => {
  const { api } = startAnswering(t);
  const numbers = await collect(api.count(1000, never));
  assert.deepEqual(
    numbers,
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.deepEqual(await collect(api.count(0, never)), []);
  const frames = await collect(api.frames(20, never));
  assert.deepEqual(
    frames.map((frame) => [frame[0], frame.length]),
    frames.map((_, i) => [i, 100_000]),
  );
});

test('a stream makes no more than its reader has room for', async (t) => {
  const { api } = startAnswering(t, { streamWindow: 4 });
  const iterator = api.count(1000, never)[Symbol.asyncIterator]();
  assert.ok(!(await api.events(undefined, never)).includes('made 0'));
  assert.deepEqual(await iterator.next(), { done: false, value: 0 });
  for (let round = 0; round < 20; round++) await api.echo(round, never);
  const made = (await api.events(undefined, never)).filter((event) => event.startsWith('made'));
  assert.ok(made.length <= 6, `${made.length} made for 1 read`);
  await iterator.return?.();
});

test('leaving a stream cancels it', async (t) => {
  const { api } = startAnswering(t);
  for await (const number of api.count(1_000_000, never)) {
    if (number === 10) break;
  }
  const events = await eventsWith(api, 'count cancelled');
  assert.ok(events.filter((event) => event.startsWith('made')).length < 30);
});

test('aborting a stream rejects its reader with the reason and ends it over there', async (t) => {
  const { api } = startAnswering(t);
  const canceler = new AbortController();
  const read: number[] = [];
  const reading = (async () => {
    for await (const number of api.count(1_000_000, canceler.signal)) {
      read.push(number);
      if (number === 10) canceler.abort(new Error('enough'));
    }
  })();
  await assert.rejects(reading, { message: 'enough' });
  assert.equal(read.length, 11);
  await eventsWith(api, 'count cancelled');
});

test('a stream that fails gives its values first, then the error', async (t) => {
  const { api } = startAnswering(t);
  const read: number[] = [];
  const reading = (async () => {
    for await (const number of api.failAfter(10, never)) read.push(number);
  })();
  await assert.rejects(reading, { message: 'lost the block', code: 'corrupt' });
  assert.equal(read.length, 10);
});

test('several values can be awaited at once', async (t) => {
  const { api } = startAnswering(t);
  const iterator = api.count(2, never)[Symbol.asyncIterator]();
  const steps = await Promise.all([iterator.next(), iterator.next(), iterator.next(), iterator.next()]);
  assert.deepEqual(
    steps.map(({ done, value }) => (done ? 'done' : value)),
    [0, 1, 'done', 'done'],
  );
});

test('a thread that ends rejects all that is pending, and all that comes later', async (t) => {
  const { api, worker } = startAnswering(t);
  const iterator = api.count(1_000_000, never)[Symbol.asyncIterator]();
  await iterator.next();
  const waiting = api.wait('a', never);
  const dying = api.die(undefined, never);
  const closed = (error: unknown) =>
    error instanceof RpcError && error.code === 'closed' && /thread ended/.test(error.message);
  worker.on('error', () => {});
  await assert.rejects(waiting, closed);
  await assert.rejects(dying, closed);
  await assert.rejects(api.echo(1, never), closed);
  await assert.rejects(collect({ [Symbol.asyncIterator]: () => iterator }), closed);
});

test('a caller that ends aborts what it had asked for', async () => {
  const { port1, port2 } = new MessageChannel();
  const aborted = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  serve<Pick<Answering, 'wait'>>(port2, {
    wait: (_name, signal) => {
      started.resolve();
      signal.addEventListener('abort', () => aborted.resolve());
      return new Promise(() => {});
    },
  });
  const waiting = connect<Pick<Answering, 'wait'>>(port1).wait('a', never);
  await started.promise;
  port1.close();
  await assert.rejects(waiting, { code: 'closed' });
  await aborted.promise;
});

test('a client can be awaited and is not a promise', async (t) => {
  const { api } = startAnswering(t);
  assert.equal(await Promise.resolve(api), api);
});
