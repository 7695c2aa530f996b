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
  const piece = fc.constantFrom('a', 'b', 'ab', 'ba', '', '-', '\\.', 'a\\|', '\\-\\_', '\\\\');
  const any = fc.constantFrom('', '', '.*', '.+');
  const alternative = fc.tuple(any, piece, any).map((parts) => parts.join(''));
  const group = fc
    .tuple(piece, fc.constantFrom('(', '(?:'), fc.array(piece, { minLength: 1, maxLength: 3 }), piece)
    .map(([before, open, pieces, after]) => `${before}${open}${pieces.join('|')})${after}`);
  const pattern = fc.oneof(
    fc.array(alternative, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join('|')),
    group,
    fc.constantFrom('.+', '.*', 'a+', '(a|b)*', '[ab]-', 'a.*b', '.+.+', '\\d|a', '(?i)A|b', '(?i:a)'),
  );
  const value = fc
    .array(fc.constantFrom('a', 'b', '-', '\n', '.', '|', '\\', '_', 'A', '1', '😀'), { maxLength: 5 })
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

test('what dashboards ask needs no engine', () => {
  const plain = ['host\\.a|host\\.b', '10\\.0\\.0\\.(1|2):80', '.*api.*', 'a.+|b.*', '', '(?:a|b)'];
  for (const pattern of plain) assert.equal(new Matcher('=~', 'a', pattern).states, 0, pattern);
  assert.deepEqual(new Matcher('=~', 'a', '10\\.(1|2)').literals, ['10.1', '10.2']);
  assert.ok(new Matcher('=~', 'a', '[ab]c').states > 0);
});

test('letters match in either case if the pattern says so', () => {
  assert.ok(new Matcher('=~', 'a', '(?i)foo').matches('FoO'));
  assert.ok(new Matcher('=~', 'a', 'x(?i:y)').matches('xY'));
  assert.ok(!new Matcher('=~', 'a', 'x(?i:y)').matches('XY'));
  assert.ok(new Matcher('=~', 'a', '(?i)k').matches('\u212a'));
});

test('a regular expression made to backtrack costs no more than its length', () => {
  for (const pattern of ['(a+)+$', '(a|aa)+$', '(a*)*b', '(.*)*=(.*)*x']) {
    assert.ok(!new Matcher('=~', 'a', pattern).matches(`${'a'.repeat(100_000)}!`), pattern);
  }
});

test('a bad regular expression is refused in the words of Go', () => {
  const faults: [pattern: string, message: string][] = [
    ['((', 'missing closing ): `((`'],
    ['a)(b', 'unexpected ): `a)(b`'],
    ['[z-a]', 'invalid character class range: `z-a`'],
    ['a**', 'invalid nested repetition operator: `**`'],
    ['*', 'missing argument to repetition operator: `*`'],
    ['\\y', 'invalid escape sequence: `\\y`'],
    ['a\\', 'trailing backslash at end of expression: ``'],
    ['(?=a)', 'invalid or unsupported Perl syntax: `(?=`'],
    ['a{1001}', 'invalid repeat count: `{1001}`'],
  ];
  for (const [pattern, message] of faults) {
    assert.throws(() => new Matcher('=~', 'a', pattern), new SyntaxError(`error parsing regexp: ${message}`));
  }
});

test('a regular expression too large to be compiled soon is refused', () => {
  const large = [
    Array(60).fill('(?i)[^\\pL]{900}').join('|'),
    '((a|b){100}(c|d){100}){10}{10}',
    `a?${'b'.repeat(70_000)}`,
    `${'('.repeat(30_000)}a+${')'.repeat(30_000)}`,
  ];
  for (const pattern of large) {
    assert.throws(
      () => new Matcher('=~', 'a', pattern),
      /^SyntaxError: error parsing regexp: expression too large/,
    );
  }
  assert.ok(new Matcher('=~', 'a', '[^\\pL]{900}|[0-9]{1,3}(\\.[0-9]{1,3}){3}').matches('10.0.0.1'));
  const names = Array.from({ length: 50_000 }, (_, i) => `host-${i}\\.example`);
  assert.ok(new Matcher('=~', 'a', names.join('|')).matches('host-49999.example'));
});
