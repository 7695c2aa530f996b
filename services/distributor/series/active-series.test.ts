import assert from 'node:assert/strict';
import test from 'node:test';
import type { SeriesTotal } from '@xscaler/cluster';
import { seriesId } from '@xscaler/model';
import type { WriteSeries } from '@xscaler/wire/remote-write';
import { series, setUp, textOf } from '../distributor.testbed.ts';

const of = (i: string) => series({ __name__: 'm', i });
const many = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => of(`${prefix}${i}`));

/** The cluster behind a distributor: the series its ingesters have, and their count. */
function cluster() {
  const state = {
    ids: new Map<string, Uint8Array>(),
    total: undefined as number | undefined,
    loads: 0,
    fails: false,
  };
  const add = (...all: WriteSeries[]) => {
    for (const { labels } of all) state.ids.set(labels.toString(), seriesId('acme', labels).slice());
  };
  const activeSeries = async (tenant: string) => {
    assert.equal(tenant, 'acme');
    state.loads++;
    if (state.fails) throw new Error('no ingester');
    return new Uint32Array(new Uint8Array(Buffer.concat([...state.ids.values()])).buffer);
  };
  const activeTotal = async (): Promise<SeriesTotal | undefined> =>
    state.total === undefined ? undefined : { count: state.total, ageMs: 0 };
  return { state, add, activeSeries, activeTotal };
}

const settled = () => new Promise((next) => setImmediate(next));

test('series accepted by another distributor count as existing ones', async () => {
  const all = cluster();
  all.add(...many('theirs', 8));
  all.state.total = 8;
  const { push, clock, distributor } = setUp({ max_global_series_per_user: 10 }, all);
  assert.equal((await push([of('a')])).status, 204);
  await settled();
  assert.equal(distributor.inspect().tenants[0].activeSeries, 9);
  // Meanwhile another distributor accepts a series: the ingesters have and count it.
  all.add(of('a'), of('new there'));
  all.state.total = 10;
  clock.nowMs += 5_000;
  await push([of('a')]);
  await settled();
  const answer = await push([of('new here'), of('new there'), of('a'), ...many('theirs', 8)]);
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /^1 samples refused, 10 stored\n.*i="new here".*limit 10/);
});

test('right after a restart existing series are stored, and a new one above the limit is refused', async () => {
  const all = cluster();
  const existing = many('e', 20);
  all.add(...existing);
  all.state.total = 20;
  const { push } = setUp({ max_global_series_per_user: 20 }, all);
  assert.equal((await push(existing.slice(0, 10))).status, 204);
  await settled();
  assert.equal((await push(existing)).status, 204);
  assert.equal((await push([of('new')])).status, 400);
});

test('while the list cannot be loaded every series is accepted and the load is retried', async () => {
  const all = cluster();
  all.state.fails = true;
  const { push, clock } = setUp({ max_global_series_per_user: 2 }, all);
  assert.equal((await push(many('a', 3))).status, 204);
  await settled();
  assert.equal((await push(many('b', 3))).status, 204);
  all.state.fails = false;
  clock.nowMs += 10_000;
  assert.equal((await push([of('a0')])).status, 204);
  await settled();
  assert.equal((await push([of('c')])).status, 400);
  assert.equal((await push([...many('a', 3), ...many('b', 3)])).status, 204);
});

test('at the limit the list is reloaded before a series is refused, but not for every request', async () => {
  const all = cluster();
  all.state.total = 2;
  all.add(of('a'), of('b'));
  const { push, clock } = setUp({ max_global_series_per_user: 2 }, all);
  await push([of('a')]);
  await settled();
  for (let i = 0; i < 10; i++) assert.equal((await push([of(`new${i}`)])).status, 400);
  assert.ok(all.state.loads <= 3, `${all.state.loads}`);
  clock.nowMs += 10;
  all.add(of('there, a moment ago'));
  assert.equal((await push([of('there, a moment ago')])).status, 204);
  clock.nowMs += 20_000;
  const { loads } = all.state;
  all.add(of('there'));
  assert.equal((await push([of('there')])).status, 204, 'let in elsewhere, late');
  for (let i = 0; i < 100; i++) {
    clock.nowMs += 1_000;
    assert.equal((await push([of('new')])).status, 400);
  }
  assert.ok(all.state.loads <= loads + 4, `${all.state.loads - loads} loads in 100 s`);
});

test('no series is refused while the list cannot be loaded', async () => {
  const all = cluster();
  all.state.total = 1;
  all.add(of('a'));
  const { push, clock } = setUp({ max_global_series_per_user: 1 }, all);
  await push([of('a')]);
  await settled();
  clock.nowMs += 60_000;
  all.state.fails = true;
  assert.equal((await push([of('b')])).status, 204);
});

test('a count that is too old is ignored', async () => {
  const all = cluster();
  all.state.total = 100;
  const { push, clock } = setUp({ max_global_series_per_user: 3 }, all);
  await push([of('a')]);
  await settled();
  assert.equal((await push([of('b')])).status, 400);
  all.state.total = undefined;
  clock.nowMs += 61_000;
  assert.equal((await push([of('b')])).status, 204);
});

test('a refusal names the metrics and labels that grew most', async () => {
  const { push } = setUp({ max_global_series_per_user: 160 });
  const pods = Array.from({ length: 100 }, (_, i) =>
    series({ __name__: 'requests', pod: `p${i}`, zone: `z${i % 3}` }),
  );
  const paths = Array.from({ length: 50 }, (_, i) =>
    series({ __name__: 'latency', path: `/${i}`, zone: 'z' }),
  );
  assert.equal((await push([...pods, ...paths, ...many('', 10)])).status, 204);
  const answer = await push([series({ __name__: 'requests', pod: 'one more' }), of('x'), of('y')]);
  assert.equal(answer.status, 400);
  const remarks = textOf(answer)
    .split('\n')
    .filter((line) => line.includes('fastest growing'));
  assert.equal(remarks.length, 1);
  assert.match(
    remarks[0],
    /^160 series are active; fastest growing: metrics requests \+100, latency \+50, m \+10; labels pod \((9\d|10\d) values\), path \((4\d|5\d) values\), i \(\d+ values\)$/,
  );
});
