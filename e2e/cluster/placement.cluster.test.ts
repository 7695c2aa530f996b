import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { shardOf } from '@xscaler/tenancy';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { type KafkaLog, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { type Client, eventually, series, sleep } from '../harness/index.ts';
import { HistogramLoad, SteadyLoad, skipWithoutCluster, TestCluster, ZONES } from './harness/index.ts';

const TENANT = 'acme';
const DATABASE = 'test_1';
/** How long is looked where samples go. */
const WATCHED_MS = 3_000;
/** Ten seconds until writers obey, some more until each has heard of it. */
const OBEYED_WITHIN_MS = 40_000;

let cluster: TestCluster;
let client: Client;
let other: Client;
let load: SteadyLoad;
let histograms: HistogramLoad;
let log: KafkaLog;

interface PartitionReport {
  readonly partition: number;
  readonly state: string;
  readonly heads: readonly { readonly tenant: string; readonly state: string }[];
}

async function reportsOf(name: string): Promise<readonly PartitionReport[]> {
  return (await cluster.service(name).debug<{ partitions: PartitionReport[] }>()).partitions;
}

async function assertNothingLost(): Promise<void> {
  await load.untilSteady(30_000);
  assert.deepEqual(await load.check(), []);
  assert.deepEqual(load.faults, []);
  assert.deepEqual(histograms.faults, []);
  assert.ok(histograms.answeredQueries > 0);
}

/** The partitions that get samples of the tenant within the next seconds. */
async function writtenPartitions(): Promise<number[]> {
  const partitions = [...Array(await log.countPartitions()).keys()];
  const from = await Promise.all(partitions.map((partition) => log.endOffset(partition)));
  await sleep(WATCHED_MS);
  const written: number[] = [];
  for (const partition of partitions) {
    const end = await log.endOffset(partition);
    if (await hasSamples(partition, from[partition], end)) written.push(partition);
  }
  return written;
}

/** Whether the records [from, end) have any of the tenant but cuts. */
async function hasSamples(partition: number, from: number, end: number): Promise<boolean> {
  if (from === end) return false;
  const reader = new LogRecordReader();
  let next = from;
  for await (const { records } of log.read(partition, from, new AbortController().signal)) {
    for (const record of records) {
      if (next++ >= end) return false;
      reader.decode(record);
      if (reader.kind === 'samples' && reader.tenant === TENANT) return true;
    }
    if (next >= end) return false;
  }
  return false;
}

async function untilWritten(wanted: readonly number[]): Promise<void> {
  await eventually(`samples go to ${wanted}`, OBEYED_WITHIN_MS, async () =>
    (await writtenPartitions()).join() === wanted.join() ? true : undefined,
  );
}

describe('the placement of tenants', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    cluster = await TestCluster.start();
    client = await cluster.createTenant(TENANT);
    other = await cluster.createTenant('other');
    log = await openKafkaWriteLog({
      brokers: cluster.kafka.addresses,
      topic: 'xscaler-log',
      partitionCount: 1,
      clientId: 'test',
    });
    load = SteadyLoad.start(client);
    histograms = HistogramLoad.start(client);
    await load.untilSteady(30_000);
  });

  after(async () => {
    await load?.stop();
    await histograms?.stop();
    await log?.close();
    await cluster?.dispose();
  });

  test('the log grows while it is written and read: running ingesters take what is new, nothing is lost or double', async () => {
    await untilWritten([0, 1, 2, 3]);
    const pids = cluster.services.map(({ program }) => program.pid);
    assert.match(await cluster.command('log', 'partitions', '6'), /^6 partitions from 2/m);
    await untilWritten([0, 1, 2, 3, 4, 5]);
    await assertNothingLost();
    for (const zone of ZONES) {
      for (const ordinal of [0, 1]) {
        const reports = await reportsOf(`ingester-${zone}-${ordinal}`);
        assert.deepEqual(
          reports.map(({ partition, state }) => [partition, state]),
          [0, 2, 4].map((partition) => [partition + ordinal, 'live']),
        );
      }
    }
    assert.deepEqual(
      cluster.services.map(({ program }) => program.pid),
      pids,
      'nothing was restarted',
    );
  });

  test('a service that was told another partition count goes by the placement', async () => {
    const env = { XSCALER_WRITE_LOG_PARTITIONS: '9' };
    for (const name of ['querier-1', 'distributor-1', 'ingester-b-1']) {
      await cluster.service(name).stop();
      await cluster.service(name).start(env);
    }
    await assertNothingLost();
    assert.equal(await log.countPartitions(), 6);
  });

  test('a tenant’s shard shrinks: its samples go there alone, and what lies elsewhere is read on', async () => {
    await cluster.command('tenant', 'shard', TENANT, '--size', '1');
    await untilWritten(shardOf(TENANT, 1, 6));
    await assertNothingLost();
  });

  test('once what was written elsewhere is in blocks and a day is over, its other ingesters are not asked', async () => {
    const [shard] = shardOf(TENANT, 1, 6);
    const away = ZONES.map((zone) => `ingester-${zone}-${1 - (shard % 2)}`);
    await eventually('everything elsewhere is in blocks', 60_000, async () => {
      const reports = (await Promise.all(away.map(reportsOf))).flat();
      const open = reports.flatMap(({ heads }) => heads).filter((head) => head.tenant === TENANT);
      return open.every(({ state }) => state === 'committed') ? true : undefined;
    });
    for (const table of ['shard_sizes', 'partition_counts']) {
      await cluster.postgres.query(
        `UPDATE ${table} SET effective_ms = effective_ms - 172800000 WHERE effective_ms > 0`,
        DATABASE,
      );
    }
    for (const name of ['querier-0', 'querier-1']) {
      await cluster.service(name).stop();
      await cluster.service(name).start();
    }
    assert.equal((await other.push([series({ __name__: 'spread' }, [[Date.now(), 1]])])).status, 204);
    for (const name of away) await cluster.service(name).stop();
    const before = load.acknowledged;
    await eventually('writes and reads go on', 30_000, async () =>
      load.acknowledged > before + 10 ? true : undefined,
    );
    await assertNothingLost();
    const answer = await other.get('/api/v1/query', { query: 'spread' });
    assert.equal(answer.status, 503, answer.text);
    assert.match(answer.text, /partition \d cannot be read: it has no live ingester/);
    for (const name of away) await cluster.service(name).start();
  });

  test('fewer partitions: writers leave the highest ones, readers do not', async () => {
    await cluster.command('tenant', 'shard', TENANT, '--size', 'all');
    await untilWritten([0, 1, 2, 3, 4, 5]);
    await cluster.command('log', 'partitions', '2');
    await untilWritten([0, 1]);
    await assertNothingLost();
    assert.equal(await log.countPartitions(), 6);
  });
});
