import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from '@xscaler/testkit';
import { decodeMetadata, encodeMetadataRequest } from './kafka-metadata.ts';

const NO_ACLS = -(2 ** 31);

/** What a Kafka 4 of two brokers says of a topic of two partitions, one without a leader, with a tag at the end. */
const ANSWER = Buffer.concat([
  Buffer.from([0, 0, 0, 0, 0, 3]),
  broker(1, 'kafka-1', 9092),
  broker(2, '127.0.0.1', 20_613),
  string('cluster'),
  int32(1),
  Buffer.from([2, 0, 0]),
  string('log'),
  Buffer.from(Array.from({ length: 16 }, (_, i) => i)),
  Buffer.from([0, 3]),
  partition(0, 1, [1, 2]),
  partition(1, -1, [2]),
  int32(NO_ACLS),
  Buffer.from([0]),
  int32(NO_ACLS),
  Buffer.from([1, 7, 2, 1, 1]),
]);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function string(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
}

function broker(id: number, host: string, port: number): Buffer {
  return Buffer.concat([int32(id), string(host), int32(port), Buffer.from([0, 0])]);
}

function partition(number: number, leader: number, replicas: readonly number[]): Buffer {
  const nodes = Buffer.concat([Buffer.from([replicas.length + 1]), ...replicas.map(int32)]);
  return Buffer.concat([
    ...[Buffer.from([0, 0]), int32(number), int32(leader), int32(0)],
    ...[nodes, nodes, Buffer.from([1, 0])],
  ]);
}

test('an answer has the topic’s id, its partitions and the brokers', () => {
  assert.deepEqual(decodeMetadata(ANSWER), {
    errorCode: 0,
    topicId: 'AAECAwQFBgcICQoLDA0ODw',
    nodes: [
      { nodeId: 1, address: 'kafka-1:9092' },
      { nodeId: 2, address: '127.0.0.1:20613' },
    ],
    partitions: [
      { partition: 0, leader: 1, replicas: [1, 2] },
      { partition: 1, leader: undefined, replicas: [2] },
    ],
  });
});

test('a request names one topic, and asks for nothing else', () => {
  const expected = ['00', '02', '00'.repeat(16), '04', '6c6f67', '00', '000000', '00'].join('');
  assert.equal(encodeMetadataRequest('log').toString('hex'), expected);
  assert.equal(encodeMetadataRequest('x'.repeat(200)).subarray(18, 20).toString('hex'), 'c901');
});

test('damaged answers are decoded or refused', async (t) => {
  const decoded = await fuzz(t, {
    everyDay: 20_000,
    bodies: [ANSWER],
    decodes: (damaged) => {
      try {
        decodeMetadata(damaged);
        return true;
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
        return false;
      }
    },
  });
  assert.ok(decoded > 0);
});
