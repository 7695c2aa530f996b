import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinKey } from './keys.ts';

const part = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', ':', '%', '{', '}', '3', 'A', ' ', '☃') }),
  fc.string({ unit: 'grapheme' }),
  fc.string({ minLength: 500, maxLength: 600 }),
);

test('two lists of texts of one length have one key only if they are the same', () => {
  const lists = fc.integer({ min: 1, max: 3 }).chain((length) => {
    const list = fc.array(part, { minLength: length, maxLength: length });
    return fc.tuple(list, list);
  });
  fc.assert(
    fc.property(lists, ([a, b]) => {
      assert.equal(
        joinKey(a) === joinKey(b),
        a.every((text, i) => text === b[i]),
      );
      assert.equal(joinKey(a), joinKey([...a]));
      assert.match(joinKey(a), /^[!-~]*$/);
      assert.ok(!/[{}]/.test(joinKey(a)));
    }),
  );
});
