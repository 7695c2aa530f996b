import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Client, eventually, series } from '../harness/index.ts';
import { type ServiceProcess, skipWithoutCluster, TestCluster } from './harness/index.ts';

/** A twin is noticed within two of its heartbeats, which are two seconds apart, and one of the other's. */
const NOTICED_WITHIN_MS = 10_000;

interface Debug {
  readonly run: { readonly id: string };
  readonly twins: readonly { readonly runId: string; readonly address: string; readonly startedAt: string }[];
}

let cluster: TestCluster;
let client: Client;
let older: ServiceProcess;
let younger: ServiceProcess;

describe('two ingesters with one zone and ordinal', {
  concurrency: false,
  skip: skipWithoutCluster(),
}, () => {
  before(async () => {
    cluster = await TestCluster.start();
    client = await cluster.createTenant('acme');
    older = cluster.service('ingester-a-0');
    younger = await cluster.another('ingester-a-0', 'ingester-a-0-again');
  });

  after(() => cluster?.dispose());

  test('name each other within seconds; the younger is not ready', async () => {
    assert.deepEqual((await older.debug<Debug>()).twins, []);
    younger.spawn();
    await eventually('it has started', 60_000, async () =>
      (await younger.readyPage()).status > 0 ? true : undefined,
    );
    const place = 'another ingester has zone a and ordinal 0 too';
    const reason = new RegExp(`announcement: ${place}: run .* at ${older.address}`);
    await younger.untilNotReady(reason, NOTICED_WITHIN_MS);
    const warning = new RegExp(`^ready\n(.*\n)*warning: announcement: ${place}: .* at ${younger.address}`);
    assert.equal((await older.untilSays(warning, NOTICED_WITHIN_MS)).status, 200);

    const [ofOlder, ofYounger] = [await older.debug<Debug>(), await younger.debug<Debug>()];
    assert.equal(ofOlder.twins[0]?.runId, ofYounger.run.id);
    assert.equal(ofYounger.twins[0]?.runId, ofOlder.run.id);
    assert.equal(ofOlder.twins[0]?.address, younger.address);
    assert.ok(Math.abs(Date.parse(ofOlder.twins[0].startedAt) - Date.now()) < 120_000);
    for (const { logs } of [older, younger]) assert.match(logs, new RegExp(`"level":"error".*${place}`));
  });

  test('samples written meanwhile are read once from either twin', async () => {
    const nowMs = Date.now();
    const many = Array.from({ length: 64 }, (_, i) =>
      series({ __name__: 'twice', number: String(i) }, [[nowMs, i]]),
    );
    assert.equal((await client.push(many)).status, 204);
    for (let i = 0; i < 10; i++) {
      assert.equal(await client.value('count(twice)', nowMs + 1), 64);
      assert.equal(await client.value('sum(twice)', nowMs + 1), (63 * 64) / 2);
    }
  });

  test('when the older has ended the younger is ready; one that is killed and starts again has no twin', async () => {
    await older.kill();
    await younger.untilReady();
    assert.deepEqual((await younger.debug<Debug>()).twins, []);
    await younger.kill();
    older.spawn();
    await older.untilReady();
    assert.doesNotMatch((await older.readyPage()).text, /another ingester/);
  });
});
