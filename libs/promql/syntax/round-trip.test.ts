import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryGenerator, type RandomSource } from '@xscaler/testkit';
import fc from 'fast-check';
import { ParseError, parseExpression, prettyExpression, printExpression } from '../index.ts';

/** What fast-check shrinks and repeats by its seed, as the generator wants it. */
function randomOf(seeds: Iterator<number>): RandomSource {
  return () => (seeds.next().value as number) / 2 ** 32;
}

/** A tree of plain objects without what says only if and how it was written. */
function bareTree(query: string): unknown {
  const bare = (_key: string, value: unknown): unknown => {
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
    if (typeof value !== 'object' || value === null || !('kind' in value)) return value;
    const { span: _span, ...rest } = value as Record<string, unknown>;
    // A plus changes nothing: Prometheus leaves a duration's out, and `Inf ^ 2` prints as `+Inf ^ 2`.
    if (rest.kind === 'duration' && rest.op === '+' && rest.left === undefined) return bare('', rest.right);
    if (rest.kind === 'unary' && rest.op === '+') return bare('', rest.expr);
    // Matchers print sorted.
    if (Array.isArray(rest.matchers)) rest.matchers = rest.matchers.map(String).sort();
    return rest;
  };
  return JSON.parse(JSON.stringify(parseExpression(query), bare));
}

/**
 * What Prometheus itself prints so that it reads back otherwise, and so do we: `x offset +(1m+30s) + 1`, whose plus is left
 * out, and `x offset (1m+30s) @ 0 + 1`, whose offset is printed last: after a parenthesis what follows goes on as a duration.
 */
const PRINTED_OTHERWISE = /offset[^a-z(]*(\+[^a-z(]*\(|\([^@]*@)/i;

/** Whether the query has no fault: the generator makes one with wrong types now and then. */
function isSound(query: string): boolean {
  try {
    parseExpression(query);
    return true;
  } catch (error) {
    if (error instanceof ParseError) return false;
    throw error;
  }
}

test('what is printed, on one line or several, reads back as the same tree', () => {
  let sound = 0;
  fc.assert(
    fc.property(fc.infiniteStream(fc.nat(2 ** 32 - 1)), fc.integer({ min: 1, max: 5 }), (stream, depth) => {
      const query = new QueryGenerator(randomOf(stream), { classic: false }).query(depth);
      if (!isSound(query) || PRINTED_OTHERWISE.test(query.replaceAll(/#.*/g, ''))) return;
      sound++;
      const tree = bareTree(query);
      const printed = printExpression(parseExpression(query));
      assert.deepEqual(bareTree(printed), tree, printed);
      const pretty = prettyExpression(parseExpression(query));
      assert.deepEqual(bareTree(pretty), tree, pretty);
    }),
    { numRuns: 1_500 },
  );
  assert.ok(sound > 1_000, `only ${sound} queries were sound`);
});

test('what is short stays on one line, and what is long is split at the outermost', () => {
  const short =
    'sum by (job) (rate(http_requests_total{job="api-server",group="production"}[5m])) / 1000000000000000';
  const printed = printExpression(parseExpression(short));
  assert.equal(Buffer.byteLength(printed), 100);
  assert.equal(prettyExpression(parseExpression(short)), printed);
  assert.equal(
    prettyExpression(parseExpression(`${short}0`)),
    '  sum by (job) (rate(http_requests_total{group="production",job="api-server"}[5m]))\n/\n  10000000000000000',
  );
});
