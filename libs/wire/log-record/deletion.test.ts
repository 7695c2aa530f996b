import assert from 'node:assert/strict';
import test from 'node:test';
import { ByteReader, ByteWriter } from '@xscaler/encoding';
import type { MatchType } from '@xscaler/model';
import fc from 'fast-check';
import { type Deletion, readDeletion } from './deletion.ts';
import { LogRecordReader } from './reader.ts';
import { encodeDeletion } from './writer.ts';

const time = fc.integer({ min: -8_640_000_000_000_000 / 2, max: 8_640_000_000_000_000 / 2 });
const text = fc.string({ unit: 'grapheme' });
const plain = { noNullPrototype: true };
const matcher = fc.record(
  { type: fc.constantFrom<MatchType>('=', '!=', '=~', '!~'), name: text, value: text },
  plain,
);
const matcherSets = fc.array(fc.array(matcher, { maxLength: 4 }), { minLength: 1, maxLength: 4 });
const deletions: fc.Arbitrary<Deletion> = fc.record(
  { tenant: text, deletionId: fc.uuid(), requestedMs: time, startMs: time, endMs: time, matcherSets },
  plain,
);

test('a deletion comes back as it was written', () => {
  const reader = new LogRecordReader();
  fc.assert(
    fc.property(deletions, (deletion) => {
      assert.equal(reader.decode(encodeDeletion(deletion)), 'deletion');
      assert.equal(reader.tenant, deletion.tenant);
      assert.deepEqual(reader.deletion, deletion);
    }),
  );
});

test('damage behind a right checksum is refused or read as something else, never more', () => {
  fc.assert(
    fc.property(deletions, fc.nat(), fc.nat({ max: 255 }), (deletion, at, byte) => {
      const record = encodeDeletion(deletion);
      const body = record.slice(2, -4);
      body[at % body.length] = byte;
      try {
        readDeletion(new ByteReader(body));
      } catch (error) {
        assert.equal((error as Error).name, 'DecodeError');
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a deletion of no series at all is refused', () => {
  const body = new ByteWriter();
  for (const text of ['team', 'id']) body.string(text);
  for (let i = 0; i < 4; i++) body.u8(0);
  assert.throws(() => readDeletion(new ByteReader(body.take())), { name: 'DecodeError' });
});
