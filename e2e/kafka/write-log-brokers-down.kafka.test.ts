import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { WriteLog } from '@xscaler/writelog';
import { openKafkaWriteLog } from '@xscaler/writelog/kafka';
import { sleep } from '../harness/index.ts';
import { AppendLoad, type Verdict } from './append-load.ts';
import { KafkaCluster, skipWithoutKafka } from './index.ts';

const PARTITIONS = 6;

const skip = skipWithoutKafka();
if (skip) {
  test('the write log while brokers are down', { skip }, () => {});
} else {
  let kafka: KafkaCluster;
  let topics = 0;
  before(async () => {
    kafka = await KafkaCluster.start({ brokers: 3 });
  });
  after(() => kafka.dispose());

  const open = () =>
    openKafkaWriteLog({
      brokers: kafka.addresses,
      topic: `log-${++topics}`,
      partitionCount: PARTITIONS,
      clientId: 'down',
      appendTimeoutMs: 2_500,
      requestTimeoutMs: 2_000,
    });

  const underLoad = async (disturb: (load: AppendLoad, log: WriteLog) => Promise<void>): Promise<Verdict> => {
    const log = await open();
    try {
      const load = new AppendLoad(log);
      await load.progress();
      await disturb(load, log);
      await load.progress();
      return await load.check();
    } finally {
      await log.close();
    }
  };

  for (const how of ['kill', 'stop'] as const) {
    test(`a broker gone (${how}) under load: the others take over, nothing acknowledged is lost`, async (t) => {
      const verdict = await underLoad(async (load) => {
        await kafka.broker(1)[how]();
        await load.progress();
        await kafka.start();
      });
      t.diagnostic(JSON.stringify(verdict));
      assert.ok(verdict.found >= verdict.acknowledged);
    });
  }

  test('a broker paused under load: nothing acknowledged is lost, before and after it wakes up', async (t) => {
    const verdict = await underLoad(async (load) => {
      kafka.broker(2).pause();
      await load.progress();
      kafka.broker(2).resume();
    });
    t.diagnostic(JSON.stringify(verdict));
  });

  for (const how of ['stop', 'kill'] as const) {
    test(`all brokers gone (${how}) for a while: appends are refused, nothing acknowledged is lost`, async (t) => {
      const verdict = await underLoad(async (_, log) => {
        await kafka[how]();
        await assert.rejects(log.append(0, new Uint8Array(10)), { code: 'unavailable', retryable: true });
        await sleep(1_000);
        await kafka.start();
      });
      t.diagnostic(JSON.stringify(verdict));
      assert.ok(verdict.refused > 0);
    });
  }
}
