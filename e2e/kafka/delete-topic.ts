import { KafkaAccess } from '@xscaler/writelog/kafka';
import { Kafka, logLevel, type Mechanism } from 'kafkajs';
import { sleep } from '../harness/index.ts';

const DELETED_WITHIN_MS = 30_000;

/** Deletes a topic, as an operator does with Kafka's own tools; resolves when the brokers don't list it any more. */
export async function deleteTopic(
  brokers: readonly string[],
  topic: string,
  access = new KafkaAccess({}),
): Promise<void> {
  const { tls, sasl } = access;
  const ssl = tls?.connectOptions();
  const kafka = new Kafka({
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    ...(ssl && { ssl }),
    // The same shape, which kafkajs spells otherwise in its public types.
    ...(sasl && { sasl: sasl as unknown as Mechanism }),
  });
  const admin = kafka.admin();
  await admin.connect();
  try {
    await admin.deleteTopics({ topics: [topic] });
    const deadlineMs = Date.now() + DELETED_WITHIN_MS;
    while ((await admin.listTopics()).includes(topic)) {
      if (Date.now() > deadlineMs) throw new Error(`topic ${topic} is still there`);
      await sleep(50);
    }
  } finally {
    await admin.disconnect();
  }
}
