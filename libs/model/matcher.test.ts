import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RE2JS } from 're2js';
import { Matcher } from './index.ts';

test('equality and its negation compare whole values', () => {
  assert.ok(new Matcher('=', 'a', 'x').matches('x'));
  assert.ok(!new Matcher('=', 'a', 'x').matches('xx'));
  assert.ok(new Matcher('!=', 'a', 'x').matches(''));
  assert.ok(new Matcher('=', 'a', '').matchesEmpty);
});

test('regular expressions are anchored and let the dot match a newline', () => {
  assert.ok(new Matcher('=~', 'a', 'fo+').matches('foo'));
  assert.ok(!new Matcher('=~', 'a', 'fo+').matches('xfoo'));
  assert.ok(new Matcher('=~', 'a', 'a.b').matches('a\nb'));
  assert.ok(new Matcher('=~', 'a', '.*').matches('a\nb'));
  assert.ok(new Matcher('=~', 'a', '.+').matches('\n'));
  assert.ok(!new Matcher('!~', 'a', 'a|b').matches('b'));
  assert.ok(!new Matcher('=~', 'a', 'a|b').matches('ab'));
});

test('the forms that never reach the regular-expression engine answer as it would', () => {
  const piece = fc.constantFrom('a', 'b', 'ab', 'ba', '', '-');
  const pattern = fc.oneof(
    fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('|')),
    fc.tuple(fc.boolean(), piece, fc.boolean()).map(([x, s, y]) => `${x ? '.*' : ''}${s}${y ? '.*' : ''}`),
    fc.constantFrom('.+', '.*', 'a+', '(a|b)*', '[ab]-', 'a.*b'),
  );
  const value = fc
    .array(fc.constantFrom('a', 'b', '-', '\n'), { maxLength: 5 })
    .map((letters) => letters.join(''));
  fc.assert(
    fc.property(pattern, value, (regex, text) => {
      const expected = RE2JS.compile(`^(?s:${regex})$`).matches(text);
      assert.equal(
        new Matcher('=~', 'l', regex).matches(text),
        expected,
        `${regex} on ${JSON.stringify(text)}`,
      );
      assert.equal(new Matcher('!~', 'l', regex).matches(text), !expected);
    }),
    { numRuns: 3_000 },
  );
});

test('literals are known where an index can look them up', () => {
  assert.deepEqual(new Matcher('=~', 'a', 'x|y').literals, ['x', 'y']);
  assert.deepEqual(new Matcher('=', 'a', 'x|y').literals, ['x|y']);
  assert.equal(new Matcher('!=', 'a', 'x').literals, undefined);
  assert.equal(new Matcher('=~', 'a', 'x.*').literals, undefined);
});

test('a regular expression made to backtrack costs no more than its length', () => {
  const matcher = new Matcher('=~', 'a', '(a+)+$');
  assert.ok(!matcher.matches(`${'a'.repeat(2_000)}!`));
});

test('a bad regular expression is refused', () => {
  assert.throws(() => new Matcher('=~', 'a', '(('));
});
