import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskedQuery, readRequestBytes } from '@xscaler/testkit';
import fc from 'fast-check';
import { decodeReadRequest, MAX_READ_MATCHERS, MAX_READ_QUERIES } from './read-request.ts';

const matchTypes = fc.constantFrom('=', '!=', '=~', '!~');
const times = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
const queries: fc.Arbitrary<AskedQuery[]> = fc.array(
  fc.record({
    startMs: times,
    endMs: times,
    matchers: fc.array(fc.tuple(fc.string(), matchTypes, fc.string({ unit: 'grapheme' })), { maxLength: 5 }),
  }) as fc.Arbitrary<AskedQuery>,
  { maxLength: 4 },
);

test('a request is read as it was made, hints passed over', () => {
  fc.assert(
    fc.property(queries, fc.array(fc.nat(300), { maxLength: 4 }), (asked, acceptedTypes) => {
      const request = decodeReadRequest(readRequestBytes(asked, acceptedTypes));
      assert.deepEqual(request.acceptedTypes, acceptedTypes);
      const expected = asked.map(({ startMs, endMs, matchers }) => ({
        startMs,
        endMs,
        matchers: matchers.map(([name, type, value]) => ({ type, name, value })),
      }));
      assert.deepEqual(request.queries, expected);
    }),
  );
});

test('response types may come one by one, and times beyond what a double holds are infinite', () => {
  const types = decodeReadRequest(Uint8Array.of(0x10, 1, 0x10, 0));
  assert.deepEqual(types.acceptedTypes, [1, 0]);
  const negative = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01];
  const [query] = decodeReadRequest(Uint8Array.of(0x0a, 11, 0x08, ...negative)).queries;
  assert.equal(query.startMs, Number.NEGATIVE_INFINITY);
});

test('what is too much, or no such request, is refused', () => {
  const query: AskedQuery = { startMs: 0, endMs: 1, matchers: [] };
  const many = Array.from({ length: MAX_READ_QUERIES + 1 }, () => query);
  assert.throws(() => decodeReadRequest(readRequestBytes(many)), /more than 64 queries/);
  const matchers = Array.from({ length: MAX_READ_MATCHERS + 1 }, () => ['a', '=', 'b'] as const);
  assert.throws(
    () => decodeReadRequest(readRequestBytes([{ ...query, matchers }])),
    /more than 1000 matchers/,
  );
  assert.throws(() => decodeReadRequest(readRequestBytes([query], new Array(65).fill(0))), /response types/);
  assert.throws(() => decodeReadRequest(Uint8Array.of(0x0a, 4, 0x1a, 2, 0x08, 9)), /a matcher of type 9/);
});
