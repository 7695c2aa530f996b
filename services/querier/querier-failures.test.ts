import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { type BlockStore, DatabaseError, SqlBlockStore } from '@xscaler/database';
import { openPostgresDatabase } from '@xscaler/database/postgres';
import { PatternCostError } from '@xscaler/model';
import { connect, type IngesterApi, RpcError, serve, type UpstreamRequest } from '@xscaler/rpc';
import { connectGrpcIngester } from '@xscaler/rpc/network';
import { refusedPort } from '@xscaler/testkit';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { Registry } from 'prom-client';
import type { TenantQueryLimits } from './limits/query-limits.ts';
import { Querier } from './querier.ts';

const NOW_MS = 1_700_000_000_000;
const PATHS = [
  'query?query=up',
  'query_range?query=up&start=0&end=60&step=15',
  'labels',
  'series?match[]=up',
];
const TELLS = /ECONN|127\.0\.0\.1|10\.1\.2\.3|Cannot read|undefined|SELECT|\.ts|\/data/;

interface Logged {
  readonly level: 'warn' | 'error';
  readonly fields: { readonly requestId?: string; readonly err?: Error };
}

interface Parts {
  readonly blocks?: Partial<BlockStore>;
  readonly endOffset?: () => Promise<number>;
  readonly ingester?: IngesterApi;
  readonly limits?: TenantQueryLimits;
  readonly clockFault?: () => string | undefined;
}

const NO_LIMITS: TenantQueryLimits = {
  max_fetched_series_per_query: 0,
  max_fetched_chunk_bytes_per_query: 0,
  max_samples_per_query: 0,
  max_estimated_memory_consumption_per_query: 0,
  max_total_query_length: 0,
  max_points_per_series: 0,
  max_query_expression_size_bytes: 0,
  max_query_response_size_bytes: 0,
  max_concurrent_queries_per_tenant: 0,
  max_outstanding_requests_per_tenant: 0,
};

const NO_BLOCKS = {
  lastCommits: async () => new Map(),
  committedUntil: async () => new Map(),
  list: async () => [],
  tombstones: async () => [],
};

function querierOf(
  t: TestContext,
  { blocks = NO_BLOCKS, endOffset, ingester, limits = NO_LIMITS, clockFault = () => undefined }: Parts,
) {
  const logged: Logged[] = [];
  const querier = new Querier({
    ingesters: ingester === undefined ? [] : [ingester],
    log: { partitionCount: 1, endOffset: endOffset ?? (async () => 0) } as unknown as WriteLog,
    blocks: blocks as BlockStore,
    limitsOf: () => limits,
    partitionsOf: async () => [0],
    latenessOf: async () => ({ windowMs: 0, changedMs: 0, outages: [] }),
    maxClockSkewMs: 0,
    clock: () => NOW_MS,
    clockFault,
    logger: {
      warn: (fields) => logged.push({ level: 'warn', fields }),
      error: (fields) => logged.push({ level: 'error', fields }),
    },
    registry: new Registry(),
    version: 'test',
    evaluationThreads: 1,
    maxQueuedQueries: 10,
    evaluationHeapMb: 64,
    queryTimeoutMs: 20_000,
    lookbackDeltaMs: 300_000,
    maxBlockIndexBytes: 1024 ** 2,
    maxBlockChunkBytes: 1024 ** 2,
  });
  t.after(() => querier.stop());
  const get = async (path: string) => {
    const [pathname, query = ''] = path.split('?');
    const request: UpstreamRequest = {
      tenant: 'acme',
      method: 'GET',
      path: `/api/v1/${pathname}`,
      query,
      headers: { 'x-request-id': 'req-7' },
      body: new Uint8Array(0),
    };
    const { status, headers, body } = await querier.handle(request, new AbortController().signal);
    return { status, headers, text: Buffer.from(body).toString() };
  };
  return { get, logged };
}

/** An ingester in another thread that fails every request. */
function connectIngester(t: TestContext, fail: () => Promise<never>): IngesterApi {
  const { port1, port2 } = new MessageChannel();
  t.after(() => port1.close());
  const failing = {
    async *select() {
      yield await fail();
    },
    labelNames: fail,
    series: fail,
    exemplars: fail,
  };
  serve<IngesterApi>(port2, failing as unknown as IngesterApi);
  return connect<IngesterApi>(port1, { streams: { select: true } });
}

/** Every path answers so, and the log has each failure once, at the level. */
async function assertAll(
  { get, logged }: ReturnType<typeof querierOf>,
  expected: { readonly status: number; readonly errorType: string; readonly error: string },
  level: Logged['level'],
): Promise<void> {
  for (const path of PATHS) {
    const { status, headers, text } = await get(path);
    const { errorType, error } = JSON.parse(text);
    assert.deepEqual({ status, errorType, error }, expected, path);
    assert.doesNotMatch(text, TELLS);
    assert.equal(headers['retry-after'] !== undefined, expected.status === 503);
    assert.equal(logged.length, 1, path);
    const [{ level: logLevel, fields }] = logged.splice(0);
    assert.deepEqual([logLevel, fields.requestId], [level, 'req-7']);
    assert.ok(fields.err?.stack, 'with its stack');
  }
}

const INTERNAL = { status: 500, errorType: 'internal', error: 'internal error, request req-7' };
const unavailable = (error: string) => ({ status: 503, errorType: 'unavailable', error });

test('if PostgreSQL refuses connections, reads get a 503 without details', async (t) => {
  const url = `postgres://xscaler@127.0.0.1:${await refusedPort()}/xscaler`;
  const db = openPostgresDatabase({ url, maxConnections: 2 });
  t.after(() => db.close());
  const querier = querierOf(t, { blocks: new SqlBlockStore(db) });
  await assertAll(querier, unavailable('the database is not available'), 'warn');
});

test('if an ingester refuses connections, reads get a 503 without details', async (t) => {
  const ingester = connectGrpcIngester(`127.0.0.1:${await refusedPort()}`);
  t.after(() => ingester.close());
  await assertAll(
    querierOf(t, { ingester }),
    unavailable('a service that is needed cannot be reached'),
    'warn',
  );
});

test('a log that is not available is a 503 that says what cannot be known', async (t) => {
  const endOffset = () => Promise.reject(new WriteLogError('unavailable', 'no broker at 10.1.2.3:9092'));
  const text = 'what was written last cannot be known: the write log is not available';
  await assertAll(querierOf(t, { endOffset }), unavailable(text), 'warn');
});

test('a missing, different or damaged log, or a damaged database, is a 503 without a path', async (t) => {
  const cases = [
    ['log_missing', 'the write log is gone'],
    ['log_replaced', 'the write log is not the one that blocks were created from'],
    ['damaged', 'the file of the write log is damaged'],
  ] as const;
  for (const [code, cause] of cases) {
    const endOffset = () => Promise.reject(new WriteLogError(code, 'at 10.1.2.3, in /data/x.sqlite'));
    const text = `what was written last cannot be known: ${cause}`;
    await assertAll(querierOf(t, { endOffset }), unavailable(text), 'warn');
  }
  const list = () => Promise.reject(new DatabaseError('damaged', '/data/x.sqlite is damaged'));
  const text = 'the file of the database is damaged';
  await assertAll(querierOf(t, { blocks: { ...NO_BLOCKS, list } }), unavailable(text), 'warn');
});

test('selectors with too expensive patterns get a 422 from the querier or an ingester', async (t) => {
  const cost = new PatternCostError('a regular expression is too large');
  const fail = async () => {
    throw cost;
  };
  const expected = [422, { status: 'error', errorType: 'execution', error: cost.message }];
  const local = querierOf(t, { blocks: { ...NO_BLOCKS, list: fail } });
  const ingester = connectIngester(t, fail);
  const remote = querierOf(t, { ingester });
  for (const { get, logged } of [local, remote]) {
    for (const path of PATHS) {
      const { status, headers, text } = await get(path);
      assert.deepEqual([status, JSON.parse(text)], expected, path);
      assert.equal(headers['retry-after'], undefined);
    }
    assert.deepEqual(logged, []);
  }
});

test('exemplars that are more than a query, or an answer of an ingester, may hold are a 422 that says so', async (t) => {
  const ingester = connectIngester(t, async () => {
    throw new RpcError('too_large', 'exemplars of more than 1000 bytes');
  });
  const limits = { ...NO_LIMITS, max_estimated_memory_consumption_per_query: 1_000 };
  const path = 'query_exemplars?query=up&start=0&end=60';
  const limited = await querierOf(t, { ingester, limits }).get(path);
  assert.equal(limited.status, 422);
  assert.match(limited.text, /max_estimated_memory_consumption_per_query \(1000\)/);
  const unlimited = await querierOf(t, { ingester }).get(path);
  assert.equal(unlimited.status, 422);
  assert.match(unlimited.text, /more of one ingester than an answer may hold/);
});

test('a wrong clock is a 503 that names it', async (t) => {
  const clockFault = () => 'the clock of this machine is 3h ahead of the clock of PostgreSQL';
  const { get, logged } = querierOf(t, { clockFault });
  for (const path of PATHS) {
    const { status, headers, text } = await get(path);
    assert.equal(status, 503);
    assert.ok(headers['retry-after'] !== undefined);
    assert.deepEqual(JSON.parse(text), {
      status: 'error',
      errorType: 'unavailable',
      error: `nothing is answered: ${clockFault()}`,
    });
  }
  assert.deepEqual(logged, []);
});

test('a bug is a 500 that names the request, wherever it is', async (t) => {
  const bug = async () => {
    throw new TypeError("Cannot read properties of undefined (reading 'commits')");
  };
  await assertAll(querierOf(t, { blocks: { ...NO_BLOCKS, lastCommits: bug } }), INTERNAL, 'error');
  await assertAll(querierOf(t, { blocks: { ...NO_BLOCKS, list: bug } }), INTERNAL, 'error');
  await assertAll(querierOf(t, { endOffset: bug }), INTERNAL, 'error');
});
