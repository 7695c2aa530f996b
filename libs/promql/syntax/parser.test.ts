import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ParseError } from './errors.ts';
import { parseExpression, parseSelector } from './parser.ts';
import { printExpression } from './printer.ts';

const printed: [query: string, text: string][] = [
  ['1 + 2 * 3 ^ 4 ^ 5', '1 + 2 * 3 ^ 4 ^ 5'],
  ['-foo ^ 2', '-foo ^ 2'],
  ['0x1f + 1_000 + 017', '31 + 1000 + 15'],
  ['5m', '5m'],
  [
    'SUM BY(job) (rate(foo{a="b", c!~`x.*`}[5m] offset -1m @ 123.4))',
    'sum by (job) (rate(foo{a="b",c!~"x.*"}[5m] @ 123.400 offset -1m))',
  ],
  ['sum(foo) without (a, "b c")', 'sum without (a, "b c") (foo)'],
  ['a + on(x) group_left(y) b', 'a + on (x) group_left (y) b'],
  ['a == bool ignoring(x) b', 'a == bool ignoring (x) b'],
  ['a and b unless c or d', 'a and b unless c or d'],
  ['{"a b", "c d"="e"}', '{"c d"="e",__name__="a b"}'],
  ['foo[1h30m:5s] @ end() offset 3', 'foo[1h30m:5s] @ end() offset 3s'],
  ['foo[step() * (1m + 2)]', 'foo[step() * (1m + 2)]'],
  ['foo offset min_of(step(), 1m)', 'foo offset min_of(step(), 1m)'],
  ['sum + by + offset', 'sum + by + offset'],
  ['topk(2, x) # the best', 'topk(2, x)'],
  ['foo + fill_left(1) bar', 'foo + fill_left (1) bar'],
  ['rate(foo[5m] anchored)', 'rate(foo[5m] anchored)'],
  ['"a\\n\\x41\\u00e9"', '"a\\nAé"'],
];

test('expressions print in canonical spelling, which reads back the same', () => {
  for (const [query, text] of printed) {
    assert.equal(printExpression(parseExpression(query)), text, query);
    assert.equal(printExpression(parseExpression(text)), text, text);
  }
});

const faults: [query: string, message: string][] = [
  ['', 'unknown position: parse error: no expression found in input'],
  [' # nothing', '1:1: parse error: no expression found in input'],
  ['*1', '1:1: parse error: unexpected <op:*>'],
  ['1+', '1:3: parse error: unexpected end of input'],
  ['(1))', "1:5: parse error: unexpected right parenthesis ')'"],
  ['((1)', '1:5: parse error: unclosed left parenthesis'],
  ['1 =~ 1', "1:3: parse error: unexpected character after '=': '~'"],
  ['0deadbeef', '1:1: parse error: bad number or duration syntax: "0de"'],
  ['foo[5mm]', '1:5: parse error: bad number or duration syntax: "5mm"'],
  ['foo{', '1:5: parse error: unexpected end of input inside braces'],
  ['foo{gibberish}', '1:14: parse error: unexpected "}" in label matching, expected label matching operator'],
  ['foo{__name__= =}', '1:15: parse error: unexpected "=" in label matching, expected string'],
  ['foo{,}', '1:5: parse error: unexpected "," in label matching, expected identifier or "}"'],
  ['foo{__name__="bar"}', '1:1: parse error: metric name must not be set twice: "foo" or "bar"'],
  ['{}', '1:1: parse error: vector selector must contain at least one non-empty matcher'],
  ['foo and 1', '1:1: parse error: set operator "and" not allowed in binary scalar expression'],
  ['1 == 1', '1:3: parse error: comparisons between scalars must use BOOL modifier'],
  ['a + bool b', '1:3: parse error: bool modifier can only be used on comparison operators'],
  ['a + on(x) group_left(x) b', '1:3: parse error: label "x" must not occur in ON and GROUP clause at once'],
  ['a and on(x) group_left() b', '1:1: parse error: no grouping allowed for "and" operation'],
  [
    '-"x"',
    '1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got "string"',
  ],
  ['sum()', '1:1: parse error: no arguments for aggregate expression provided'],
  [
    'topk(a)',
    '1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1',
  ],
  ['topk(a, b)', '1:6: parse error: expected type scalar in aggregation parameter, got instant vector'],
  ['floor(1)', '1:7: parse error: expected type instant vector in call to function "floor", got scalar'],
  ['rate(a)', '1:6: parse error: expected type range vector in call to function "rate", got instant vector'],
  ['floor(a, b)', '1:1: parse error: expected 1 argument(s) in call to "floor", got 2'],
  ['hour(a, b)', '1:1: parse error: expected at most 1 argument(s) in call to "hour", got 2'],
  ['nope(1)', '1:1: parse error: unknown function with name "nope"'],
  ['(a + b)[5m]', '1:8: parse error: ranges only allowed for vector selectors'],
  [
    '1 offset 1d',
    '1:1: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery',
  ],
  ['a offset 1s offset 2s', '1:1: parse error: offset may not be set multiple times'],
  ['a[5m:][5m:]', '1:1: parse error: subquery is only allowed on instant vector, got matrix instead'],
  ['sum\n  foo', '2:3: parse error: unexpected identifier "foo"'],
  ['sum(\n  foo bar)', '2:7: parse error: unexpected identifier "bar" in aggregation'],
];

test('faults are worded and placed as Prometheus does', () => {
  for (const [query, message] of faults) {
    assert.throws(() => parseExpression(query), new ParseError(message), query);
  }
});

test('what is nested too deeply is refused, not a crash', () => {
  const deep = [
    '('.repeat(5000),
    '-'.repeat(5000),
    'a+'.repeat(5000),
    'a^'.repeat(5000),
    'abs('.repeat(5000),
  ];
  for (const query of deep) {
    assert.throws(
      () => parseExpression(query),
      /parse error: expression is nested more than 1000 levels deep/,
    );
  }
  assert.ok(parseExpression(`${'a+'.repeat(900)}a`));
});

test('a lone selector gives its matchers', () => {
  assert.deepEqual(parseSelector('up{job="a"}').map(String), ['job="a"', '__name__="up"']);
  assert.throws(() => parseSelector('up + 1'), ParseError);
});

test('no text makes the parser fail otherwise than by a ParseError', () => {
  const fragments = [
    'foo',
    'sum',
    'by',
    '(',
    ')',
    '{',
    '}',
    '[',
    ']',
    '5m',
    ':',
    '"x"',
    '=',
    '=~',
    '+',
    '-',
    '^',
    '==',
    'bool',
    'on',
    'offset',
    '@',
    '1',
    ',',
    'rate',
    ' ',
    '#',
    '\\',
    '`',
    '\n',
    'é',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fragments), { maxLength: 20 }), (parts) => {
      const query = parts.join('');
      try {
        const text = printExpression(parseExpression(query));
        assert.equal(printExpression(parseExpression(text)), text);
      } catch (error) {
        assert.ok(error instanceof ParseError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});
