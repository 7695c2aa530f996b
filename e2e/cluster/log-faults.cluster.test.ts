import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { crc32 } from 'node:zlib';
import { openRedisCluster } from '@xscaler/cluster/redis';
import { type FloatHistogram, Labels } from '@xscaler/model';
import { encodeCut, HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { encodeWriteRequest } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import type { WriteLog } from '@xscaler/writelog';
import { openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { type Client, eventually, sleep } from '../harness/index.ts';
import { PARTITIONS, SteadyLoad, skipWithoutCluster, TestCluster } from './harness/index.ts';

/** How long is written before what is stored is looked at: some windows. */
const WRITING_MS = Number(process.env.XSCALER_E2E_WRITING_MS ?? 45_000);
const DATABASE = 'test_1';

/**
 * Zone a cuts early and stores what it cut; zone b cuts late, by size too, and waits for nobody: both make blocks of
 * the same heads, and their digests meet in the ledger.
 */
const ZONES_APART = {
  a: { XSCALER_INGESTER_CUT_GRACE: '1s', XSCALER_INGESTER_LATE_HEAD_AGE: '2s' },
  b: {
    XSCALER_INGESTER_CUT_GRACE: '6s',
    XSCALER_INGESTER_LATE_HEAD_AGE: '9s',
    XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '3s',
    XSCALER_CLUSTER_OTHER_ZONE_WAIT: '0s',
  },
};

const HISTOGRAM: FloatHistogram = {
  schema: 1,
  zeroThreshold: 0.001,
  zeroCount: 0,
  count: 3,
  sum: 4,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: [1, 2],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  counterResetHint: 'unknown',
};

let cluster: TestCluster;
let client: Client;
let load: SteadyLoad;
let log: WriteLog;

interface PartitionReport {
  readonly partition: number;
  readonly state: string;
  readonly nextOffset: number;
  readonly stoppedBy?: string;
}

/** Of every partition of every ingester, by `name/partition`. */
async function partitionReports(): Promise<Map<string, PartitionReport>> {
  const reports = new Map<string, PartitionReport>();
  for (const ingester of cluster.ofRole('ingester')) {
    const { partitions } = await ingester.debug<{ partitions: PartitionReport[] }>();
    for (const report of partitions) reports.set(`${ingester.name}/${report.partition}`, report);
  }
  return reports;
}

async function assertNothingLost(): Promise<void> {
  await load.untilSteady(30_000);
  assert.deepEqual(await load.check(), []);
  assert.deepEqual(load.faults, []);
  for (const [place, { state }] of await partitionReports()) assert.equal(state, 'live', place);
}

/** A cut, sealed as it should be, but of a version that nobody has written yet. */
function recordOfTheFuture(): Uint8Array {
  const record = encodeCut({ tenant: 'acme', windowStartMs: 0, windowMs: 20_000, seq: 0, zone: 'a' });
  record[0] = HIGHEST_RECORD_VERSION + 1;
  const end = record.length - 4;
  new DataView(record.buffer, record.byteOffset).setUint32(end, crc32(record.subarray(0, end)), true);
  return record;
}

/** Waits until an ingester says that a partition is stopped. */
function untilStopped(name: string, partition: number): Promise<void> {
  return cluster.service(name).untilNotReady(new RegExp(`partition ${partition} is stopped`), 30_000);
}

describe('what stands in the log', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    cluster = await TestCluster.start({ zoneEnv: ZONES_APART });
    client = await cluster.createTenant('acme');
    load = SteadyLoad.start(client);
    log = await openKafkaWriteLog({
      brokers: cluster.kafka.addresses,
      topic: 'xscaler-log',
      partitionCount: PARTITIONS,
      clientId: 'test',
    });
  });

  after(async () => {
    await load?.stop();
    await log?.close();
    await cluster?.dispose();
  });

  test('two zones on different settings hold the same', async () => {
    await sleep(WRITING_MS);
    await assertNothingLost();
    const stored = await cluster.postgres.query(
      `SELECT COUNT(*)::int AS heads, COUNT(DISTINCT (partition, window_start_ms, seq))::int AS different,
        (SELECT COUNT(*)::int FROM blocks) AS blocks FROM ledger`,
      DATABASE,
    );
    const [{ heads, different, blocks }] = stored;
    assert.ok(Number(heads) >= PARTITIONS, `${heads} heads were stored`);
    assert.deepEqual([different, blocks], [heads, heads]);
    const committed = { a: 0, b: 0 };
    for (const ingester of cluster.ofRole('ingester')) {
      const zone = ingester.name.includes('-a-') ? 'a' : 'b';
      committed[zone] += await ingester.metric('xscaler_ingester_head_commit_seconds_count');
    }
    // Both did: the digests of one had to be those of the other.
    assert.ok(committed.a >= PARTITIONS && committed.b >= PARTITIONS, JSON.stringify(committed));
  });

  test('while an ingester is announced that reads older records alone, native histograms are for later', async () => {
    const redis = openRedisCluster({ url: cluster.redis.url });
    const run = { id: 'run', startedMs: 0, beat: 0 };
    const old = { instanceId: 'old', run, zone: 'c', ordinal: 0, address: '127.0.0.1:1' };
    const partitions = new Map([[PARTITIONS, { state: 'live', appliedOffset: 0 } as const]]);
    const announce = (recordVersion: number) => redis.owners.announce({ ...old, recordVersion, partitions });
    const push = () => {
      const histograms = [{ timestampMs: Date.now(), histogram: HISTOGRAM }];
      const labels = Labels.of({ __name__: 'native' });
      return client.pushBody(
        packSnappy(encodeWriteRequest([{ labels, timestamps: [], values: [], histograms }])),
      );
    };
    try {
      await announce(1);
      const refusal = await eventually('a histogram is refused', 30_000, async () => {
        const answer = await push();
        return answer.status === 503 ? answer : undefined;
      });
      assert.match(refusal.text, /not all ingesters read native histograms yet/);
      await announce(HIGHEST_RECORD_VERSION);
      await eventually('a histogram is accepted', 30_000, async () =>
        (await push()).status < 300 ? true : undefined,
      );
    } finally {
      await redis.owners.leave(old.instanceId, run.id);
      await redis.close();
    }
    await assertNothingLost();
  });

  test('a record that nobody can read stops its partition loudly, and no other, until it is taken out', async () => {
    const offset = await log.append(1, new Uint8Array([255, 1, 2, 3]));
    const owners = ['ingester-a-1', 'ingester-b-1'];
    for (const name of owners) {
      await untilStopped(name, 1);
      assert.match(cluster.service(name).logs, /the partition is stopped/);
    }
    const refused = await eventually('an error in place of a hole', 20_000, async () => {
      const answer = await client.get('/api/v1/query', { query: 'steady_samples' });
      return answer.status === 200 ? undefined : answer;
    });
    assert.equal(refused.status, 503);
    assert.match(refused.text, /partition 1/);

    const before = await partitionReports();
    const acknowledged = load.acknowledged;
    await eventually('writes and the other partitions go on', 20_000, async () => {
      const now = await partitionReports();
      for (const [place, { partition, nextOffset }] of before) {
        const isAhead = (now.get(place)?.nextOffset ?? 0) > nextOffset;
        if (isAhead !== (partition !== 1)) return undefined;
      }
      return load.acknowledged > acknowledged ? true : undefined;
    });
    for (const [place, { partition, state }] of await partitionReports())
      assert.equal(state, partition === 1 ? 'stopped' : 'live', place);

    await cluster.command('log', 'skip', '--partition', '1', '--offset', String(offset));
    for (const name of owners) {
      await cluster.service(name).stop();
      await cluster.service(name).start();
    }
    await assertNothingLost();
  });

  test('a record of a version of the future stops its partition by that name, until it is taken out', async () => {
    const offset = await log.append(2, recordOfTheFuture());
    const owners = ['ingester-a-0', 'ingester-b-0'];
    for (const name of owners) {
      await untilStopped(name, 2);
      const report = (await partitionReports()).get(`${name}/2`);
      assert.equal(report?.stoppedBy, `record version ${HIGHEST_RECORD_VERSION + 1}`);
    }
    await cluster.command('log', 'skip', '--partition', '2', '--offset', String(offset));
    for (const name of owners) {
      await cluster.service(name).stop();
      await cluster.service(name).start();
    }
    await assertNothingLost();
  });

  test('who starts on a log that was cut above its resume offset stops; what the other zone still holds is not given up', async () => {
    await log.truncate(0, await log.endOffset(0));
    const ingester = cluster.service('ingester-a-0');
    await ingester.kill();
    ingester.spawn();
    await untilStopped(ingester.name, 0);
    assert.match(ingester.logs, /records are missing/);
    assert.equal(await cluster.service('ingester-b-0').notReady(), undefined);
    await assert.rejects(
      cluster.command('log', 'accept-loss', '--partition', '0'),
      /nothing is lost yet: ingester-b-0 still holds/,
    );
    await eventually('its heads are stored', 60_000, async () => {
      const said = await cluster.command('log', 'accept-loss', '--partition', '0').catch(() => '');
      return said.includes('nothing is missing') ? true : undefined;
    });
    await ingester.stop();
    await ingester.start();
    await assertNothingLost();
  });

  test('if both zones have lost it the loss is accepted by name, and everything goes on', async () => {
    const owners = ['ingester-a-0', 'ingester-b-0'].map((name) => cluster.service(name));
    await load.stop();
    assert.deepEqual(load.faults, []);
    for (const owner of owners) await owner.kill();
    await log.truncate(0, await log.endOffset(0));
    for (const owner of owners) owner.spawn();
    for (const owner of owners) await untilStopped(owner.name, 0);
    const said = await eventually('nobody is said to hold it', 30_000, () =>
      cluster.command('log', 'accept-loss', '--partition', '0').catch(() => undefined),
    );
    assert.match(said, /records \d+ to \d+ are lost/);
    for (const owner of owners) {
      await owner.stop();
      await owner.start();
    }
    const { status } = await client.get('/api/v1/query', { query: 'count(steady_samples)' });
    assert.equal(status, 200);
  });
});
