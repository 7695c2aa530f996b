import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  DatabaseError,
  type DeletionStore,
  migrate,
  openSqliteDatabase,
  SqlBlockStore,
  SqlDeletionStore,
} from '@xscaler/database';
import type { Upstream, UpstreamRequest } from '@xscaler/rpc';
import { LogRecordReader, MAX_TIMESTAMP_MS } from '@xscaler/wire/log-record';
import { openSqliteWriteLog, type WriteLog, WriteLogError } from '@xscaler/writelog';
import { Registry } from 'prom-client';
import { SeriesDeletions, type SeriesDeletionsOptions, withDeletions } from './series-deletions.ts';

const PATH = '/api/v1/admin/tsdb/delete_series';
const TENANT = 'acme';
const NOW_MS = 1_700_000_000_000;
const { signal } = new AbortController();

class Bed {
  readonly #dir = mkdtempSync(join(tmpdir(), 'deletions-'));
  readonly log: WriteLog = openSqliteWriteLog({ path: join(this.#dir, 'log.sqlite'), partitionCount: 3 });
  readonly db = openSqliteDatabase(join(this.#dir, 'db.sqlite'));
  readonly blocks = new SqlBlockStore(this.db);
  #ids = 0;

  static async make(): Promise<Bed> {
    const bed = new Bed();
    await migrate(bed.db);
    return bed;
  }

  deletions(changes: Partial<SeriesDeletionsOptions> = {}): SeriesDeletions {
    return new SeriesDeletions({
      log: this.log,
      deletions: new SqlDeletionStore(this.db),
      audit: async () => {},
      newId: () => `id-${++this.#ids}`,
      clock: () => NOW_MS,
      logger: { info() {}, warn() {}, error() {} },
      registry: new Registry(),
      ...changes,
    });
  }

  async close(): Promise<void> {
    await this.log.close();
    await this.db.close();
    rmSync(this.#dir, { recursive: true });
  }
}

function requestOf(changes: Partial<UpstreamRequest>): UpstreamRequest {
  return {
    tenant: TENANT,
    method: 'POST',
    path: PATH,
    query: '',
    headers: {},
    body: new Uint8Array(0),
    ...changes,
  };
}

async function ask(deletions: Upstream, changes: Partial<UpstreamRequest>) {
  const { status, headers, body } = await deletions.handle(requestOf(changes), signal);
  return { status, headers, json: JSON.parse(Buffer.from(body).toString()) };
}

test('a deletion is in the audit log before it is done, and without that it is not done', async () => {
  const bed = await Bed.make();
  const audited: unknown[] = [];
  const audit: SeriesDeletionsOptions['audit'] = async (trace, actor) => {
    audited.push([{ ...trace, detail: JSON.parse(trace.detail) }, actor, await bed.log.endOffset(0)]);
  };
  const query = new URLSearchParams([
    ['match[]', 'up{job="a"}'],
    ['match[]', 'down'],
    ['end', '10.5'],
  ]).toString();
  const headers = { 'x-token-id': 'tok-1', 'x-client-address': '192.0.2.7' };
  assert.equal((await ask(bed.deletions({ audit }), { query, headers })).status, 200);
  const detail = { id: 'id-1', selectors: '{job="a",__name__="up"} {__name__="down"}', end: 10.5 };
  assert.deepEqual(audited, [
    [{ action: 'series.delete', tenant: TENANT, detail }, { who: 'token tok-1', from: '192.0.2.7' }, 0],
  ]);
  const before = await bed.log.endOffset(0);
  const failing = bed.deletions({
    audit: () => Promise.reject(new DatabaseError('unavailable', 'connect ECONNREFUSED 10.1.2.3:5432')),
  });
  assert.equal((await ask(failing, { query, headers })).status, 503);
  assert.equal(await bed.log.endOffset(0), before);
  assert.equal((await ask(bed.deletions({ audit }), { query: 'match[]={}' })).status, 400);
  assert.equal(audited.length, 1);
  await bed.close();
});

test('a deletion is in every partition of the log and hides by its offsets before it is answered', async () => {
  const bed = await Bed.make();
  await bed.log.append(1, new Uint8Array([1]));
  const query = new URLSearchParams([
    ['match[]', 'up{job=~"a.*"}'],
    ['match[]', '{"a.b"!=""}'],
    ['start', '10.5'],
    ['end', '2023-11-14T22:13:20Z'],
  ]).toString();
  const { status, json } = await ask(bed.deletions(), { query });
  assert.equal(status, 200);
  assert.deepEqual(json, { status: 'success', data: { id: 'id-1' } });
  const reader = new LogRecordReader();
  for (const partition of [0, 1, 2]) {
    const offset = partition === 1 ? 1 : 0;
    for await (const batch of bed.log.read(partition, offset, signal)) {
      assert.equal(reader.decode(batch.records[0]), 'deletion');
      break;
    }
    assert.deepEqual(reader.deletion?.matcherSets, [
      [
        { type: '=~', name: 'job', value: 'a.*' },
        { type: '=', name: '__name__', value: 'up' },
      ],
      [{ type: '!=', name: 'a.b', value: '' }],
    ]);
    assert.deepEqual([reader.deletion?.startMs, reader.deletion?.endMs], [10_500, NOW_MS]);
  }
  const tombstones = await bed.blocks.tombstones(TENANT, 0, 1e15);
  assert.deepEqual(
    tombstones.map(({ partition, logOffset }) => [partition, logOffset]),
    [
      [0, 0],
      [1, 1],
      [2, 0],
    ],
  );
  await bed.close();
});

test('form and query are merged, and absent or extreme bounds mean all times', async () => {
  const bed = await Bed.make();
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' };
  const body = new Uint8Array(Buffer.from('match[]=up'));
  const query = 'match[]=down&end=1e999';
  assert.equal((await ask(bed.deletions(), { headers, body, query })).status, 200);
  const [tombstone] = await bed.blocks.tombstones(TENANT, 0, 0);
  assert.deepEqual([tombstone.startMs, tombstone.endMs], [-MAX_TIMESTAMP_MS, MAX_TIMESTAMP_MS]);
  await bed.close();
});

test('an invalid deletion is refused and never written to the log', async () => {
  const bed = await Bed.make();
  const deletions = bed.deletions();
  for (const [query, text] of [
    ['', /no match\[\] parameter/],
    ['match[]=up{', /invalid parameter "match\[\]"/],
    ['match[]={job=~".*"}', /non-empty matcher/],
    ['match[]={}', /non-empty matcher/],
    ['match[]=up&start=yesterday', /invalid parameter "start"/],
    ['match[]=up&start=2&end=1', /end timestamp must not be before/],
    [`match[]=up{a="${'x'.repeat(70_000)}"}`, /bytes/],
    ['match[]=up{a=~"(b?){400}"}', /too large: \d+ states, limit 1000/],
    [Array.from({ length: 101 }, () => 'match[]=up').join('&'), /selectors/],
  ] as const) {
    const { status, json } = await ask(deletions, { query });
    assert.equal(status, 400, query.slice(0, 50));
    assert.equal(json.errorType, 'bad_data');
    assert.match(json.error, text);
  }
  assert.equal((await ask(deletions, { method: 'GET', query: 'match[]=up' })).status, 405);
  assert.equal((await ask(deletions, { path: `${PATH}/x` })).status, 405);
  assert.equal(await bed.log.endOffset(0), 0);
  await bed.close();
});

test('a receipt shows a deletion’s progress, only to its tenant', async () => {
  const bed = await Bed.make();
  const deletions = bed.deletions();
  await ask(deletions, { query: 'match[]=up{a="b\\"c"}&start=5' });
  const path = `${PATH}/id-1`;
  const { status, json } = await ask(deletions, { method: 'GET', path });
  assert.equal(status, 200);
  assert.deepEqual(json.data, {
    id: 'id-1',
    state: 'hidden',
    selectors: ['{a="b\\"c",__name__="up"}'],
    start: 5,
    requestedAt: '2023-11-14T22:13:20.000Z',
    partitions: 3,
    partitionsDone: 0,
    blocksLeft: 0,
  });
  await bed.db.query('UPDATE deletions SET done_ms = $1', [NOW_MS + 1_000]);
  const done = (await ask(deletions, { method: 'GET', path })).json.data;
  assert.deepEqual([done.state, done.doneAt], ['done', '2023-11-14T22:13:21.000Z']);
  assert.equal((await ask(deletions, { method: 'GET', path, tenant: 'other' })).status, 404);
  assert.equal((await ask(deletions, { method: 'GET', path: `${PATH}/id-2` })).status, 404);
  await bed.close();
});

test('a deletion is refused while too many are unfinished', async () => {
  const bed = await Bed.make();
  const deletions = bed.deletions({ maxUnfinished: 2 });
  for (const expected of [200, 200, 429]) {
    const { status, headers } = await ask(deletions, { query: 'match[]=up' });
    assert.equal(status, expected);
    assert.equal(headers['retry-after'] !== undefined, expected === 429);
  }
  assert.equal((await ask(deletions, { query: 'match[]=up', tenant: 'other' })).status, 200);
  await bed.db.query('UPDATE deletions SET done_ms = 1');
  assert.equal((await ask(deletions, { query: 'match[]=up' })).status, 200);
  await bed.close();
});

test('a failure of log or database is a 503, and the answer waits for both', async () => {
  const bed = await Bed.make();
  const failing = {
    append: async () => Promise.reject(new WriteLogError('unavailable', 'no broker at 10.1.2.3:9092')),
    partitionCount: 3,
  };
  const away = bed.deletions({ log: failing as unknown as WriteLog });
  const first = await ask(away, { query: 'match[]=up' });
  assert.deepEqual([first.status, first.json.errorType], [503, 'unavailable']);
  assert.ok(first.headers['retry-after']);
  assert.deepEqual(await bed.blocks.tombstones(TENANT, 0, 1e15), []);
  const store: DeletionStore = {
    unfinished: async () => 0,
    hide: async () => Promise.reject(new DatabaseError('unavailable', 'relation deletions at 10.1.2.3')),
    progress: async () => Promise.reject(new DatabaseError('unavailable', 'relation deletions at 10.1.2.3')),
  };
  const second = await ask(bed.deletions({ deletions: store }), { query: 'match[]=up' });
  assert.equal(second.status, 503);
  assert.equal(
    (await ask(bed.deletions({ deletions: store }), { method: 'GET', path: `${PATH}/x` })).status,
    503,
  );
  await bed.close();
});

test('a bug is a 500 that names only the request, like the log line', async () => {
  const bed = await Bed.make();
  const bug = new TypeError("Cannot read properties of undefined (reading 'id')");
  const logged: object[] = [];
  const failing = bed.deletions({
    audit: () => Promise.reject(bug),
    logger: { info() {}, warn() {}, error: (fields) => logged.push(fields) },
  });
  const { status, json, headers } = await ask(failing, {
    query: 'match[]=up',
    headers: { 'x-request-id': 'req-7' },
  });
  assert.equal(status, 500);
  assert.equal(headers['retry-after'], undefined);
  assert.deepEqual(json, { status: 'error', errorType: 'internal', error: 'internal error, request req-7' });
  assert.deepEqual(logged, [{ requestId: 'req-7', tenant: TENANT, err: bug }]);
  await bed.close();
});

test('other requests go to the distributor', async () => {
  const bed = await Bed.make();
  const asked: string[] = [];
  const writes: Upstream = {
    handle: async ({ path }) => {
      asked.push(path);
      return { status: 204, headers: {}, body: new Uint8Array(0) };
    },
  };
  const both = withDeletions(writes, bed.deletions());
  await both.handle(requestOf({ path: '/api/v1/push' }), signal);
  await both.handle(requestOf({ path: `${PATH}_more` }), signal);
  await both.handle(requestOf({ query: 'match[]=up' }), signal);
  assert.deepEqual(asked, ['/api/v1/push', `${PATH}_more`]);
  await bed.close();
});

test('a wrong clock prevents deletions', async () => {
  const bed = await Bed.make();
  try {
    const deletions = bed.deletions({ clockFault: () => 'the clock is 3 h ahead' });
    const { status, headers, json } = await ask(deletions, { query: 'match[]=up' });
    assert.equal(status, 503);
    assert.match(json.error, /nothing was deleted: the clock is 3 h ahead/);
    assert.ok(Number(headers['retry-after']) > 0);
    for (let partition = 0; partition < 3; partition++) assert.equal(await bed.log.endOffset(partition), 0);
  } finally {
    await bed.close();
  }
});
