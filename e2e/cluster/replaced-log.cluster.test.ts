import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ByteWriter } from '@xscaler/encoding';
import { Labels, seriesId } from '@xscaler/model';
import { writeLabelSet } from '@xscaler/wire/labels';
import { LogRecordWriter } from '@xscaler/wire/log-record';
import { type KafkaLog, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { type Answer, type Client, eventually, series } from '../harness/index.ts';
import { deleteTopic } from '../kafka/index.ts';
import { type ServiceProcess, skipWithoutCluster, TestCluster } from './harness/index.ts';

const TENANT = 'acme';
const TOPIC = 'xscaler-log';
const DATABASE = 'test_1';
const PARTITIONS = 2;
const SERIES = 20;
/** Like SHORT_WINDOWS. */
const WINDOW_MS = 20_000;
const NOTICED_WITHIN_MS = 60_000;
/** How far the other log gets beyond the offset where the old one was resumed. */
const BEYOND = 25;

let cluster: TestCluster;
let client: Client;
let partitionOffsets: readonly number[];

function pushAt(metric: string, timeMs: number): Promise<Answer> {
  const numbers = Array.from({ length: SERIES }, (_, number) => number);
  return client.push(
    numbers.map((number) => series({ __name__: metric, number: String(number) }, [[timeMs, number]])),
  );
}

async function resumeOffsets(): Promise<number[]> {
  const rows = await cluster.postgres.query(
    'SELECT resume_offset::int AS resume FROM resume_offsets ORDER BY partition',
    DATABASE,
  );
  return rows.map(({ resume }) => Number(resume));
}

/** A record as a distributor writes it: one sample of one series. */
function recordOf(metric: string, timestampMs: number): Uint8Array {
  const labels = Labels.of({ __name__: metric });
  const words = new Uint32Array(seriesId(TENANT, labels).slice().buffer);
  const labelSet = new ByteWriter();
  writeLabelSet(labels.pairs, labelSet);
  const writer = new LogRecordWriter();
  writer.reset(TENANT, WINDOW_MS);
  writer.addSeries(words[0], words[1], words[2], words[3], labelSet.written(), 0, labelSet.length);
  writer.addSample(timestampMs, 0, 0);
  return writer.finish();
}

/** The topic, created again if it is missing, like an operator might do. */
function openLog(): Promise<KafkaLog> {
  const options = { brokers: cluster.kafka.addresses, topic: TOPIC, clientId: 'test' };
  return openKafkaWriteLog({ ...options, partitionCount: PARTITIONS });
}

/** Series of the last ten minutes. */
async function count(metric: string, nowMs: number): Promise<number> {
  const query = `count(last_over_time({__name__=~"${metric}"}[10m]))`;
  const data = await client.query(query, nowMs);
  return data.resultType === 'vector' && data.result.length > 0 ? Number(data.result[0].value[1]) : 0;
}

function writersAndReaders(): ServiceProcess[] {
  return [...cluster.ofRole('distributor'), ...cluster.ofRole('ingester')];
}

async function restart(services: readonly ServiceProcess[]): Promise<void> {
  await Promise.all(services.map((service) => service.kill()));
  for (const service of services) service.spawn();
}

describe('a write log that is replaced', { concurrency: false, skip: skipWithoutCluster() }, () => {
  before(async () => {
    cluster = await TestCluster.start({ env: { XSCALER_WRITE_LOG_PARTITIONS: String(PARTITIONS) } });
    client = await cluster.createTenant(TENANT);
  });

  after(() => cluster?.dispose());

  test('some of what was written is in blocks', async () => {
    partitionOffsets = await eventually('both partitions resume above 0', 120_000, async () => {
      const answer = await pushAt('old', Date.now());
      assert.ok(answer.status < 300, answer.text);
      const offsets = await resumeOffsets();
      return offsets.length === PARTITIONS && offsets.every((offset) => offset > 3) ? offsets : undefined;
    });
  });

  test('the doctor finds no fault in a cluster that is well', async () => {
    const said = await cluster.command('doctor');
    assert.match(said, /topic xscaler-log has the required settings/);
    assert.match(said, /partition 1: live at ingester-a-1, ingester-b-1/);
    for (const server of ['PostgreSQL', 'Kafka', 'Redis'])
      assert.match(said, new RegExp(`local clock is -?0\\.\\d s ahead of that of ${server}`));
    assert.match(said, /no faults in \d+ checks/);
  });

  test('a topic that is gone is not made again: writes are refused with the reason, and by who is started too', async () => {
    await deleteTopic(cluster.kafka.addresses, TOPIC);
    const refused = async (text: RegExp) => {
      const answer = await pushAt('refused', Date.now());
      return answer.status === 503 && text.test(answer.text) ? answer : undefined;
    };
    const answer = await eventually('a write is refused', 60_000, () =>
      refused(/xscaler-log does not exist/),
    );
    assert.ok(Number(answer.headers['retry-after']) > 0);
    for (const service of cluster.ofRole('distributor')) {
      await service.untilNotReady(
        /the write log is gone: topic xscaler-log does not exist/,
        NOTICED_WITHIN_MS,
      );
    }
    await assert.rejects(
      cluster.command('log', 'accept-loss', '--partition', '0'),
      /the topic is gone, and ingester-a-0, .* still holds records/,
    );
    await restart(writersAndReaders());
    for (const service of writersAndReaders()) await service.untilNotReady(/accept-loss/, NOTICED_WITHIN_MS);
    await assert.rejects(cluster.command('doctor'), /fault +Kafka: .*xscaler-log does not exist/);
    assert.equal((await pushAt('refused', Date.now())).status, 503);
  });

  test('another log that has outgrown the old one is not a log to write to or to read', async () => {
    const log = await openLog();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      for (let i = 0; i < partitionOffsets[partition] + BEYOND; i++) {
        await log.append(partition, recordOf(`direct_${partition}_${i}`, Date.now()));
      }
    }
    await log.close();
    await restart(writersAndReaders());
    for (const service of cluster.ofRole('distributor')) {
      await service.untilNotReady(
        /the write log is not the one that blocks were created from: its identity is/,
        NOTICED_WITHIN_MS,
      );
    }
    for (const service of cluster.ofRole('ingester')) {
      await service.untilNotReady(/partition \d is stopped/, NOTICED_WITHIN_MS);
      assert.match(service.logs, /the log is not the one that blocks were created from: its identity is/);
    }
    const answer = await pushAt('refused', Date.now());
    assert.equal(answer.status, 503);
    assert.match(answer.text, /the write log is not the one that blocks were created from/);
    const mend = /its identity is .*, not .*\n *mend: xscaler log accept-loss --partition 0\n/;
    await assert.rejects(cluster.command('doctor'), mend);
  });

  test('once its partitions go on with it, nothing of it is passed over, and writes are accepted', async () => {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const command = ['log', 'accept-loss', '--partition', String(partition)];
      const said = await eventually('nobody holds the old log', 60_000, () =>
        cluster.command(...command).catch(() => undefined),
      );
      assert.match(
        said,
        /the log is another one: of the old one what no block has is lost, from offset \d+ on/,
      );
      assert.match(said, /it resumes at 0/);
      assert.match(await cluster.command(...command), /nothing is missing/);
    }
    await restart(cluster.ofRole('ingester'));
    await cluster.untilReady();
    const acknowledged = await eventually('a write is accepted', 60_000, async () => {
      const answer = await pushAt('new', Date.now());
      return answer.status < 300 ? true : undefined;
    });
    assert.ok(acknowledged);
    const nowMs = Date.now();
    const direct = partitionOffsets.reduce((sum, offset) => sum + offset + BEYOND, 0);
    assert.equal(await count('direct_.*', nowMs), direct);
    assert.equal(await count('new', nowMs), SERIES);
    // Blocks of the old log are there beside it.
    assert.equal(await count('old', nowMs), SERIES);
  });
});
