import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeProduceBody } from './kafka-produce-body.ts';

const load = createRequire(import.meta.url);
const simpleCrc32c: (bytes: Uint8Array) => number = load('kafkajs/src/protocol/recordBatch/crc32C/index.js');
const Decoder = load('kafkajs/src/protocol/decoder.js');
const decodeBatch: (decoder: unknown) => Promise<DecodedBatch> = load(
  'kafkajs/src/protocol/recordBatch/v0/decoder.js',
);

interface DecodedBatch {
  readonly lastOffsetDelta: number;
  readonly firstTimestamp: string;
  readonly maxTimestamp: string;
  readonly producerId: string;
  readonly records: readonly { offset: string; key: Buffer | null; value: Buffer; headers: object }[];
}

test('kafkajs reads what was encoded', async () => {
  // Lengths on both sides of every size of a varint.
  const length = fc.oneof(fc.nat(10), fc.constantFrom(63, 64, 8191, 8192, 1_048_575, 1_048_576));
  const record = length.map((bytes) => new Uint8Array(bytes).fill(bytes));
  const batch = fc.record({
    partition: fc.nat(1000),
    records: fc.oneof(
      fc.array(record, { minLength: 1, maxLength: 4 }),
      fc.constant(Array.from({ length: 200 }, (_, i) => Uint8Array.of(i))),
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.string({ minLength: 1, maxLength: 40 }),
      fc.array(batch, { minLength: 1, maxLength: 3 }),
      async (topic, batches) => {
        const body = encodeProduceBody(topic, batches, 1234, 1_700_000_000_123);
        const decoder = new Decoder(body);
        assert.deepEqual(
          [decoder.readInt16(), decoder.readInt16(), decoder.readInt32(), decoder.readInt32()],
          [-1, -1, 1234, 1],
        );
        assert.equal(decoder.readString(), Buffer.from(topic).toString());
        assert.equal(decoder.readInt32(), batches.length);
        for (const { partition, records } of batches) {
          assert.equal(decoder.readInt32(), partition);
          await readsBack(decoder.readBytes(), records);
        }
        assert.equal(decoder.offset, body.length);
      },
    ),
    { numRuns: 50 },
  );
});

async function readsBack(bytes: Buffer, records: readonly Uint8Array[]): Promise<void> {
  assert.equal(bytes.readInt32BE(8), bytes.length - 12);
  assert.equal(bytes.readUInt32BE(17), simpleCrc32c(bytes.subarray(21)));
  const decoded = await decodeBatch(new Decoder(bytes));
  assert.equal(decoded.lastOffsetDelta, records.length - 1);
  assert.equal(decoded.firstTimestamp, '1700000000123');
  assert.equal(decoded.maxTimestamp, '1700000000123');
  assert.equal(decoded.producerId, '-1');
  assert.equal(decoded.records.length, records.length);
  decoded.records.forEach(({ offset, key, value, headers }, i) => {
    assert.equal(offset, String(i));
    assert.equal(key, null);
    assert.ok(value.equals(records[i]));
    assert.deepEqual(headers, {});
  });
}
