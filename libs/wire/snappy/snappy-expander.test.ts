import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '@xscaler/encoding';
import fc from 'fast-check';
import { expandSnappy, packSnappy, TooLargeError } from './snappy-block.ts';
import { SnappyExpander } from './snappy-expander.ts';

const MAX_BYTES = 16 * 1024 * 1024;

/** Bytes as bodies are: pieces that come again, near and far, and pieces that don't. */
const bytes = fc
  .array(
    fc.oneof(
      fc.record({ fresh: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
      fc.record({ back: fc.integer({ min: 1, max: 100_000 }), size: fc.integer({ min: 1, max: 900 }) }),
      fc.record({ random: fc.nat(255), size: fc.integer({ min: 1, max: 70_000 }) }),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => {
    const all: number[] = [];
    for (const piece of pieces) {
      if ('fresh' in piece) all.push(...piece.fresh);
      else if ('back' in piece) {
        const back = Math.min(piece.back, all.length);
        for (let i = 0; back > 0 && i < piece.size; i++) all.push(all[all.length - back]);
      } else {
        let number = piece.random;
        for (let i = 0; i < piece.size; i++) {
          number = (number * 75 + 74) % 65_537;
          all.push(number & 255);
        }
      }
    }
    return Uint8Array.from(all);
  });

/** What is made of a block, or the error's class. */
function outcome(expand: () => Uint8Array): string {
  try {
    return Buffer.from(expand()).toString('hex');
  } catch (error) {
    assert.ok(error instanceof DecodeError || error instanceof TooLargeError, String(error));
    return error.name;
  }
}

test('what was packed comes back, whatever the buffer held before', () => {
  const expander = new SnappyExpander();
  fc.assert(
    fc.property(bytes, (raw) => {
      assert.ok(expander.expand(packSnappy(raw), MAX_BYTES).equals(raw));
    }),
  );
});

test('elements of every kind, and a damaged block, are what the native library makes of them', () => {
  const expander = new SnappyExpander();
  const offset = fc.integer({ min: 1, max: 90 });
  const size = fc.integer({ min: 1, max: 64 });
  /** Bytes of an element, and how many it expands to. */
  type Element = readonly [bytes: readonly number[], size: number];
  const element: fc.Arbitrary<Element> = fc.oneof(
    fc
      .uint8Array({ minLength: 1, maxLength: 60 })
      .map((raw): Element => [[(raw.length - 1) << 2, ...raw], raw.length]),
    fc
      .tuple(fc.constantFrom(1, 2, 3, 4), fc.uint8Array({ minLength: 1, maxLength: 200 }))
      .map(
        ([more, raw]): Element => [
          [(59 + more) << 2, raw.length - 1, ...[0, 0, 0].slice(0, more - 1), ...raw],
          raw.length,
        ],
      ),
    fc
      .tuple(fc.integer({ min: 4, max: 11 }), offset)
      .map(([length, back]): Element => [[((length - 4) << 2) | 1, back], length]),
    fc.tuple(size, offset).map(([length, back]): Element => [[((length - 1) << 2) | 2, back, 0], length]),
    fc
      .tuple(size, offset)
      .map(([length, back]): Element => [[((length - 1) << 2) | 3, back, 0, 0, 0], length]),
  );
  const block = fc
    .tuple(fc.array(element, { maxLength: 8 }), fc.constantFrom<number>(0, 0, 0, 0, 1, -1))
    .map(([elements, wrong]) => {
      const length = Math.max(
        0,
        elements.reduce((sum, [, own]) => sum + own, wrong),
      );
      return Uint8Array.from([(length & 127) | 128, length >>> 7, ...elements.flatMap(([own]) => own)]);
    });
  fc.assert(
    fc.property(fc.oneof(block, fc.uint8Array({ maxLength: 40 })), (bad) => {
      assert.equal(
        outcome(() => expander.expand(bad, MAX_BYTES)),
        outcome(() => expandSnappy(bad, MAX_BYTES)),
      );
    }),
    { numRuns: 3000 },
  );
});

test('of a block with a byte changed, or cut short, nothing is made but what the native library makes', () => {
  const expander = new SnappyExpander();
  fc.assert(
    fc.property(bytes, fc.nat(), fc.nat(255), fc.boolean(), (raw, place, byte, isCut) => {
      const packed = Uint8Array.from(packSnappy(raw));
      const at = place % packed.length;
      packed[at] = byte;
      const bad = isCut ? packed.subarray(0, at) : packed;
      assert.equal(
        outcome(() => expander.expand(bad, MAX_BYTES)),
        outcome(() => expandSnappy(bad, MAX_BYTES)),
      );
    }),
  );
});

test('a copy may overlap what it writes, from every offset', () => {
  const expander = new SnappyExpander();
  for (let offset = 1; offset <= 70; offset++) {
    const start = Uint8Array.from({ length: 70 }, (_, i) => i + 1);
    const literal = [60 << 2, start.length - 1, ...start];
    const block = Uint8Array.from([70 + 64, 1, ...literal, (63 << 2) | 2, offset, 0]);
    const expected = [...start];
    for (let i = 0; i < 64; i++) expected.push(expected[expected.length - offset]);
    assert.deepEqual([...expander.expand(block, MAX_BYTES)], expected);
  }
});

test('what declares more than may be, or than it can expand to, is refused before anything else', () => {
  const expander = new SnappyExpander();
  assert.throws(() => expander.expand(packSnappy(new Uint8Array(1000)), 999), TooLargeError);
  assert.throws(() => expander.expand(Uint8Array.of(255, 255, 255, 255, 15, 0), 2 ** 40), DecodeError);
});

test('a body beyond what is kept is expanded, too', () => {
  const raw = new Uint8Array(5 * 1024 * 1024).fill(7);
  assert.ok(new SnappyExpander().expand(packSnappy(raw), MAX_BYTES).equals(raw));
});
