import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { WriteLog } from '@xscaler/writelog';
import { readRecords, recordOf } from '@xscaler/writelog/contracts';
import { type KafkaWriteLogOptions, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import { eventually } from '../harness/index.ts';
import { type CuttingProxy, type KafkaBroker, KafkaCluster, skipWithoutKafka } from './index.ts';

const skip = skipWithoutKafka();
if (skip) {
  test('the write log on connections that break', { skip }, () => {});
} else {
  let kafka: KafkaCluster;
  let broker: KafkaBroker;
  let proxy: CuttingProxy;
  let topics = 0;
  before(async () => {
    kafka = await KafkaCluster.start({ withProxies: true });
    [broker] = kafka.brokers;
    assert.ok(broker.proxy);
    proxy = broker.proxy;
  });
  after(() => kafka.dispose());

  const withLog = async (
    run: (log: Awaited<ReturnType<typeof openKafkaWriteLog>>, topic: string) => Promise<void>,
    options: Partial<KafkaWriteLogOptions> = {},
  ) => {
    const topic = `log-${++topics}`;
    const settings = { brokers: kafka.addresses, topic, partitionCount: 2, clientId: 'connection' };
    const log = await openKafkaWriteLog({ ...settings, ...options });
    try {
      await run(log, topic);
    } finally {
      await log.close();
    }
  };

  /** Waits until an answer has been lost, then cuts the connection. */
  const cutAfterLostAnswer = async () => {
    await eventually('an answer is lost', 30_000, async () => proxy.swallowedBytes || undefined);
    proxy.cut();
    proxy.passAnswers();
  };

  const contentOf = async (log: WriteLog, partition: number): Promise<Uint8Array[]> =>
    readRecords(log, partition, 0, await log.endOffset(partition));

  test('an answer lost and the connection cut: what is acknowledged exists, doubles and all', async () => {
    await withLog(async (log) => {
      let seed = 0;
      for (let round = 0; round < 5; round++) {
        assert.ok((await log.append(0, recordOf(seed++))) >= 0);
        proxy.swallowAnswers();
        const first = seed;
        const inFlight = [0, 0, 0, 1, 1].map((partition) => ({
          partition,
          seed: seed++,
          offset: log.append(partition, recordOf(seed - 1)),
        }));
        await cutAfterLostAnswer();
        // These wait behind the request whose answer was lost, and reuse nothing of it.
        for (const partition of [0, 1])
          inFlight.push({ partition, seed: seed++, offset: log.append(partition, recordOf(seed - 1)) });
        const offsets = await Promise.all(inFlight.map(({ offset }) => offset));
        const contents = [await contentOf(log, 0), await contentOf(log, 1)];
        inFlight.forEach((append, i) => {
          const found = contents[append.partition][offsets[i]];
          assert.ok(Buffer.from(found).equals(recordOf(append.seed)), `round ${round}: not at ${offsets[i]}`);
        });
        const copies = contents[0].filter((record) => Buffer.from(record).equals(recordOf(first)));
        assert.equal(copies.length, 2, 'the record whose answer was lost was appended again');
      }
      assert.ok(log.stats.retried >= 25);
      assert.equal(log.stats.refused, 0);
    });
  });

  test('why not kafkajs’ idempotent producer: it acknowledges a record that isn’t in the log', async () => {
    await withLog(async (log, topic) => {
      const client = new Kafka({
        brokers: kafka.addresses,
        logLevel: logLevel.NOTHING,
        requestTimeout: 1_000,
      });
      const producer = client.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        retry: { retries: 1, initialRetryTime: 10 },
        createPartitioner: Partitioners.DefaultPartitioner,
      });
      await producer.connect();
      assert.equal(await offsetOf(producer, topic, 'a'), '0');
      proxy.swallowAnswers();
      await assert.rejects(offsetOf(producer, topic, 'b'));
      assert.ok(proxy.swallowedBytes > 0);
      proxy.passAnswers();
      // The sequence of b was taken back and goes to c: the broker takes c for b.
      assert.equal(await offsetOf(producer, topic, 'c'), '1');
      await producer.disconnect();
      const records = (await contentOf(log, 0)).map((record) => Buffer.from(record).toString());
      assert.deepEqual(records, ['a', 'b']);
    });
  });

  test('a read goes on where it was after a cut', async () => {
    await withLog(async (log) => {
      const reading = readRecords(log, 0, 0, 30);
      for (let i = 0; i < 30; i++) {
        if (i % 10 === 5) proxy.cut();
        await log.append(0, recordOf(i));
      }
      const records = await reading;
      assert.ok(records.length >= 30);
      assert.deepEqual(records, (await contentOf(log, 0)).slice(0, 30));
    });
  });

  test('past the bound of waiting bytes an append is refused, and those that wait are kept', async () => {
    const maxPendingBytes = 100_000;
    await withLog(
      async (log) => {
        await log.append(0, recordOf(0));
        broker.pause();
        const waiting = Array.from({ length: 9 }, (_, i) => log.append(0, recordOf(i, 10_000)));
        await assert.rejects(log.append(1, recordOf(9, 10_000)), { code: 'unavailable', retryable: true });
        assert.ok(log.stats.pendingBytes <= maxPendingBytes);
        broker.resume();
        assert.equal((await Promise.all(waiting)).length, 9);
        assert.equal(log.stats.pendingBytes, 0);
        assert.ok((await log.append(1, recordOf(9, 10_000))) >= 0);
      },
      { maxPendingBytes },
    );
  });

  test('an aborted read and a close don’t wait for a broker that doesn’t answer', async () => {
    await withLog(async (log) => {
      await log.append(0, recordOf(0));
      const stop = new AbortController();
      const reads = [stop.signal, new AbortController().signal].map(async (signal) => {
        for await (const _ of log.read(0, 0, signal));
      });
      await readRecords(log, 0, 0, 1);
      broker.pause();
      try {
        stop.abort();
        await reads[0];
        await Promise.all([log.close(), assert.rejects(reads[1], { code: 'closed' })]);
      } finally {
        broker.resume();
      }
    });
  });

  test('a close gives up appends that no broker takes', async () => {
    await withLog(
      async (log) => {
        await broker.kill();
        const appends = [log.append(0, recordOf(0)), log.append(1, recordOf(1))];
        await Promise.all([
          log.close(),
          ...appends.map((append) => assert.rejects(append, { code: 'unavailable' })),
        ]);
        await assert.rejects(openKafkaWriteLog({ ...NOBODY, openTimeoutMs: 300 }), { code: 'unavailable' });
        await kafka.start();
      },
      { closeTimeoutMs: 500 },
    );
  });

  /** No broker has ever been here. */
  const NOBODY = { brokers: ['127.0.0.1:1'], topic: 'nobody', partitionCount: 1, clientId: 'connection' };
}

async function offsetOf(producer: Producer, topic: string, value: string): Promise<string | undefined> {
  const [sent] = await producer.send({ topic, messages: [{ partition: 0, value }] });
  return sent.baseOffset;
}
