import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Labels, Matcher, seriesId } from '@xscaler/model';
import { RpcError, UnavailableError } from '@xscaler/rpc';
import { Head } from '@xscaler/tsdb';
import { ApiError } from '../answer/api-error.ts';
import type { SelectApi } from './evaluation-api.ts';
import { EvaluationPool } from './evaluation-pool.ts';

const STEP_MS = 1_000;
const SAMPLES = 3_600;

/** A head of `count` series, a sample a second for an hour, value = time in seconds. */
function headOf(count: number): Head {
  const head = new Head({
    tenant: 't',
    partition: 0,
    windowStartMs: 0,
    windowMs: 7_200_000,
    seq: 0,
    fromOffset: 0,
  });
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  for (let i = 0; i < count; i++) {
    const labels = Labels.of({ __name__: 'clock', instance: String(i) });
    const id = new Uint32Array(seriesId('t', labels).slice().buffer);
    const slot = head.create(id[0], id[1], id[2], id[3], labels);
    for (let s = 0; s < SAMPLES; s++) {
      value[0] = s;
      head.append(slot, s * STEP_MS, words[0], words[1]);
    }
  }
  return head;
}

function sourceOf(head: Head): SelectApi {
  return {
    async *select({ matchers, startMs, endMs }) {
      const set = matchers.map(({ type, name, value }) => new Matcher(type, name, value));
      using selection = head.select([set], startMs, endMs);
      yield* selection.frames();
    },
  };
}

function poolOver(
  t: TestContext,
  source: SelectApi,
  changes: Partial<ConstructorParameters<typeof EvaluationPool>[0]> = {},
) {
  const pool = new EvaluationPool({
    threads: 1,
    maxQueued: 10,
    maxHeapMb: 512,
    source,
    onThreadLost: (error) => assert.fail(error),
    onThreadDeaf: () => assert.fail('a thread did not hear of its cancellation'),
    ...changes,
  });
  t.after(() => pool.close());
  return pool;
}

function instant(query: string, timeMs = SAMPLES * STEP_MS) {
  return {
    tenant: 't',
    query,
    startMs: timeMs,
    endMs: timeMs,
    stepMs: 0,
    lookbackDeltaMs: 300_000,
    limits: {},
    resultLimit: 0,
    stats: 'none' as const,
    arrival: undefined,
    requestId: 'a',
  };
}

/** Would run for minutes. */
const ENDLESS = {
  ...instant('mad_over_time(mad_over_time(clock[1h:1s])[1h:1s])'),
  startMs: 0,
  endMs: SAMPLES * STEP_MS,
  stepMs: 1_000,
};

const unbounded = { maxRunning: Number.POSITIVE_INFINITY, maxWaiting: Number.POSITIVE_INFINITY };

const { signal: never } = new AbortController();

test('a query comes back rendered', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(3)));
  const reply = await pool.run(instant('sum(clock)'), unbounded, never);
  assert.equal(reply.status, 200);
  assert.deepEqual(JSON.parse(Buffer.from(reply.body).toString()).data.result, [
    { metric: {}, value: [3_600, '10797'] },
  ]);
});

test('no thread runs before it is needed; queries that come at once have one each, as many as there may be', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(3)), { threads: 2 });
  assert.equal(pool.size, 0);
  pool.warm();
  pool.warm();
  assert.equal(pool.size, 1);
  const queries = [1, 2, 3, 4].map((n) => pool.run(instant(`${n} * sum(clock)`), unbounded, never));
  assert.equal(pool.size, 2);
  for (const { status } of await Promise.all(queries)) assert.equal(status, 200);
  assert.equal(pool.size, 2);
  assert.equal(pool.busy, 0);
});

test('threads without work end, and the next query has a new one', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(1)), { threads: 2, maxIdleMs: 1 });
  for (const query of ['count(clock)', '1 + 1']) {
    const twice = [query, query].map((one) => pool.run(instant(one), unbounded, never));
    for (const { status } of await Promise.all(twice)) assert.equal(status, 200);
    while (pool.size > 0) await nextTurn();
    assert.equal(pool.busy, 0);
  }
});

test('a thread that can not start fails its query, and the next query tries again', async (t) => {
  const lost: Error[] = [];
  const pool = poolOver(t, sourceOf(headOf(1)), {
    entry: new URL('data:text/javascript,throw new Error("its code is gone")'),
    onThreadLost: (error) => lost.push(error),
  });
  for (const starts of [1, 2]) {
    await assert.rejects(pool.run(instant('1'), unbounded, never), { message: 'its code is gone' });
    assert.equal(lost.length, starts);
    assert.equal(pool.size, 0);
  }
});

test('a pool closed while its threads start fails who waits for them, and starts no more', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(1)));
  const starting = assert.rejects(pool.run(instant('1'), unbounded, never), { name: 'UnavailableError' });
  await Promise.resolve();
  const closed = pool.close();
  pool.warm();
  await assert.rejects(pool.run(instant('1'), unbounded, never), { message: 'the querier is stopping' });
  await Promise.all([starting, closed]);
  assert.equal(pool.size, 0);
});

test('a query that is given up frees its thread for the next one', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(50)));
  const leaving = new AbortController();
  const endless = pool.run(ENDLESS, unbounded, leaving.signal);
  setTimeout(() => leaving.abort(new Error('the client left')), 300);
  await assert.rejects(endless, /the client left/);
  const next = await pool.run(instant('count(clock)'), unbounded, never);
  assert.equal(next.status, 200);
  assert.equal(pool.busy, 0);
});

test('a query that waits for its series is given up too', async (t) => {
  const stuck: SelectApi = {
    async *select(_request, signal) {
      yield await once(signal, 'abort').then(() => Promise.reject(signal.reason));
    },
  };
  const pool = poolOver(t, stuck);
  assert.equal((await pool.run(instant('1'), unbounded, never)).status, 200);
  const timeout = AbortSignal.timeout(200);
  await assert.rejects(pool.run(instant('clock'), unbounded, timeout), { name: 'TimeoutError' });
  const next = await pool.run(instant('1 + 1'), unbounded, never);
  assert.equal(next.status, 200);
});

test('queries wait for a thread up to a bound, and one that left the queue is not started', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(50)), { maxQueued: 1 });
  const running = new AbortController();
  const waiting = new AbortController();
  const first = pool.run(ENDLESS, unbounded, running.signal);
  const second = pool.run(ENDLESS, unbounded, waiting.signal);
  await assert.rejects(pool.run(instant('1'), unbounded, never), { errorType: 'unavailable' });
  waiting.abort(new Error('left the queue'));
  await assert.rejects(second, /left the queue/);
  assert.equal(pool.queued, 0);
  running.abort(new Error('left'));
  await assert.rejects(first, /left/);
  assert.equal((await pool.run(instant('1'), unbounded, never)).status, 200);
});

test('what a storage fails by comes out as it is told apart: name, code, message and stack', async (t) => {
  const causes = [
    new UnavailableError('partition 3 is stopped'),
    new ApiError('unavailable', 'the database has gone back in time'),
    // Not to be taken for the end of the thread.
    new RpcError('closed', 'the client is closed'),
    Object.assign(new TypeError('a bug'), { code: undefined }),
  ];
  for (const cause of causes) {
    const broken: SelectApi = {
      // biome-ignore lint/correctness/useYield: it fails first
      async *select() {
        throw cause;
      },
    };
    const pool = poolOver(t, broken);
    const { name, code, message, stack } = cause as Error & { code?: string };
    const expected = name === 'RpcError' ? { name, code, message } : { name, code, message, stack };
    await assert.rejects(pool.run(instant('clock'), unbounded, never), expected);
    await assert.rejects(pool.run(instant('clock'), unbounded, never), expected);
    assert.equal(pool.busy, 0);
  }
});

test('limits end a query with their name', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(5)));
  const reply = await pool.run(
    { ...instant('clock'), limits: { max_fetched_series_per_query: 4 } },
    unbounded,
    never,
  );
  assert.equal(reply.status, 422);
  assert.match(Buffer.from(reply.body).toString(), /max_fetched_series_per_query/);
});

test('each limit on what a query fetches and holds ends it with its name, and the thread goes on', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(5)));
  const range = { ...instant('clock + clock'), startMs: 0, endMs: SAMPLES * STEP_MS, stepMs: STEP_MS };
  for (const [limits, name] of [
    [{ max_fetched_series_per_query: 9 }, 'max_fetched_series_per_query'],
    [{ max_samples_per_query: 2 * SAMPLES }, 'max_samples_per_query'],
    [{ max_fetched_chunk_bytes_per_query: 1_000 }, 'max_fetched_chunk_bytes_per_query'],
    [
      { max_estimated_memory_consumption_per_query: 9 * 5 * SAMPLES },
      'max_estimated_memory_consumption_per_query',
    ],
    [{ max_total_query_length: 3_600_000 }, 'max_total_query_length'],
    [{ max_query_response_size_bytes: 1_000 }, 'max_query_response_size_bytes'],
  ] as const) {
    const reply = await pool.run({ ...range, limits }, unbounded, never);
    assert.equal(reply.status, 422, name);
    const { errorType, error } = JSON.parse(Buffer.from(reply.body).toString());
    assert.equal(errorType, 'execution');
    assert.ok(error.includes(name), error);
  }
  assert.equal((await pool.run(range, unbounded, never)).status, 200);
});

test('a tenant runs as many queries as it may, the next ones wait or are refused, and others go on', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(50)), { threads: 2 });
  const bounds = { maxRunning: 1, maxWaiting: 1 };
  const leaving = new AbortController();
  const running = pool.run(ENDLESS, bounds, leaving.signal);
  const waiting = pool.run(instant('count(clock)'), bounds, never);
  await assert.rejects(pool.run(instant('1'), bounds, never), {
    errorType: 'too_many_requests',
    message: /max_outstanding_requests_per_tenant \(1\)/,
  });
  const other = await pool.run({ ...instant('1'), tenant: 'other' }, bounds, never);
  assert.equal(other.status, 200);
  assert.equal(pool.queued, 1);
  leaving.abort(new Error('left'));
  await assert.rejects(running, /left/);
  assert.equal((await waiting).status, 200);
});

test('tenants that wait take turns', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(50)));
  const leaving = new AbortController();
  // One has the only thread, the other the one more that there is for others.
  const running = ['first', 'second'].map((tenant) =>
    pool.run({ ...ENDLESS, tenant }, unbounded, leaving.signal),
  );
  const order: string[] = [];
  const wait = async (tenant: string) => {
    await pool.run({ ...instant('1'), tenant }, unbounded, never);
    order.push(tenant);
  };
  const all = ['greedy', 'greedy', 'greedy', 'modest'].map(wait);
  leaving.abort(new Error('left'));
  await Promise.allSettled(running);
  await Promise.all(all);
  assert.ok(order.indexOf('modest') <= 2, String(order));
});

for (const threads of [1, 2]) {
  test(`a tenant that holds all of ${threads} threads leaves one more to the others, and to them alone`, async (t) => {
    const pool = poolOver(t, sourceOf(headOf(50)), { threads });
    const leaving = new AbortController();
    const greedy = Array.from({ length: threads + 2 }, () => pool.run(ENDLESS, unbounded, leaving.signal));
    assert.deepEqual([pool.size, pool.busy, pool.queued], [threads, threads, 2]);
    for (const tenant of ['one', 'two', 'one']) {
      const { status } = await pool.run({ ...instant('1'), tenant }, unbounded, never);
      assert.equal(status, 200);
      assert.deepEqual([pool.size, pool.busy, pool.queued], [threads + 1, threads, 2]);
    }
    const others = ['one', 'two'].map((tenant) => pool.run({ ...instant('1'), tenant }, unbounded, never));
    assert.deepEqual([pool.size, pool.busy, pool.queued], [threads + 1, threads + 1, 3]);
    for (const { status } of await Promise.all(others)) assert.equal(status, 200);
    leaving.abort(new Error('left'));
    for (const query of greedy) await assert.rejects(query, /left/);
  });
}

test('a tenant alone has every thread, and no other is started', async (t) => {
  const pool = poolOver(t, sourceOf(headOf(1)), { threads: 2 });
  const queries = Array.from({ length: 8 }, () => pool.run(instant('1'), unbounded, never));
  assert.deepEqual([pool.size, pool.busy, pool.queued], [2, 2, 6]);
  await Promise.all(queries);
  assert.equal(pool.size, 2);
});

const DEAF = new URL('../test-threads/deaf-thread.ts', import.meta.url);

test('a thread that goes on with a query that was given up is ended, and what waited has a new one', async (t) => {
  const deaf: string[] = [];
  const pool = poolOver(t, sourceOf(headOf(1)), {
    entry: DEAF,
    maxDeafMs: 50,
    onThreadDeaf: (tenant) => deaf.push(tenant),
  });
  assert.equal((await pool.run(instant('1'), unbounded, never)).status, 200);
  const endless = pool.run(instant('endless'), unbounded, AbortSignal.timeout(100));
  const waiting = pool.run(instant('1'), unbounded, never);
  await assert.rejects(endless, { name: 'TimeoutError' });
  assert.equal((await waiting).status, 200);
  assert.deepEqual(deaf, ['t']);
  assert.deepEqual([pool.deaf, pool.size, pool.busy], [1, 1, 0]);
});

test('frames that a thread was reading come back when it is ended, and not before', async (t) => {
  const frame = new Uint8Array(new SharedArrayBuffer(8));
  const givenBack: Uint8Array[] = [];
  let sentOff = () => {};
  const sent = new Promise<void>((resolve) => {
    sentOff = resolve;
  });
  let isLeft = false;
  const source: SelectApi = {
    async *select() {
      try {
        yield frame;
        sentOff();
      } finally {
        isLeft = true;
      }
    },
  };
  const pool = poolOver(t, source, {
    entry: DEAF,
    maxDeafMs: 50,
    giveBack: (one) => givenBack.push(one),
    onThreadDeaf: () => {},
  });
  const leaving = new AbortController();
  const reading = pool.run(instant('read'), unbounded, leaving.signal);
  await sent;
  leaving.abort(new Error('left'));
  await assert.rejects(reading, /left/);
  assert.deepEqual(givenBack, []);
  while (pool.busy > 0) await nextTurn();
  assert.deepEqual(givenBack, [frame]);
  assert.ok(isLeft);
  assert.equal(pool.size, 0);
});

test('a query whose thread runs out of heap is refused, and the next one has a new thread', async (t) => {
  const lost: Error[] = [];
  const pool = poolOver(t, sourceOf(headOf(200)), {
    maxHeapMb: 24,
    onThreadLost: (error) => lost.push(error),
  });
  const greedy = instant(`clock{${'a="b",'.repeat(1_000_000)}}`);
  await assert.rejects(pool.run(greedy, unbounded, never), {
    errorType: 'execution',
    message: /memory .*: limit evaluation_heap_mb \(24\)/,
  });
  assert.equal(lost.length, 1);
  assert.equal((await pool.run(instant('1'), unbounded, never)).status, 200);
});
