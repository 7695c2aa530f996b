import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareUtf8, Labels, sortedUnion } from './index.ts';

const text = fc.string({ unit: 'binary', maxLength: 6 });
const anyPairs = fc.array(fc.tuple(text, text), { maxLength: 6 });

test('compareUtf8 orders as the UTF-8 bytes do', () => {
  const wellFormed = fc.string({ unit: 'binary', maxLength: 8 }).map((s) => s.toWellFormed());
  fc.assert(
    fc.property(wellFormed, wellFormed, (a, b) => {
      const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareUtf8(a, b)), bytes);
    }),
    { numRuns: 2_000 },
  );
  assert.ok(
    compareUtf8('\uffff', '\u{10000}') < 0,
    'U+FFFF comes before U+10000, though its code unit is greater',
  );
});

test('a union of lists has every text once, in byte order', () => {
  assert.deepEqual(sortedUnion([['b', '\u{10000}'], [], ['a', 'b', '\uffff']]), [
    'a',
    'b',
    '\uffff',
    '\u{10000}',
  ]);
  assert.deepEqual(sortedUnion([]), []);
});

test('labels are sorted, distinct and never empty, whatever they are made from', () => {
  fc.assert(
    fc.property(anyPairs, (pairs) => {
      const labels = Labels.from(pairs);
      const names = [...labels].map(([name]) => name);
      for (let i = 1; i < names.length; i++) assert.ok(compareUtf8(names[i - 1], names[i]) < 0);
      const last = new Map(pairs);
      for (const [name, value] of labels) {
        assert.equal(value, last.get(name));
        assert.notEqual(value, '');
      }
      assert.equal(labels.size, [...last.values()].filter((value) => value !== '').length);
    }),
  );
});

test('keys are equal exactly where label sets are', () => {
  fc.assert(
    fc.property(anyPairs, anyPairs, (a, b) => {
      const left = Labels.from(a);
      const right = Labels.from(b);
      assert.equal(left.equals(right), JSON.stringify(left.pairs) === JSON.stringify(right.pairs));
      assert.equal(left.compare(right) === 0, left.equals(right));
    }),
  );
  assert.ok(!Labels.of({ a: '1b1' }).equals(Labels.of({ a: '1', b: '1' })));
});

test('with, without and filter leave the original alone', () => {
  const labels = Labels.of({ __name__: 'up', job: 'node', instance: 'a' });
  assert.equal(labels.with('job', '').get('job'), '');
  assert.deepEqual(labels.without('job').toRecord(), { __name__: 'up', instance: 'a' });
  assert.equal(labels.with('zone', 'b').toString(), '{__name__="up", instance="a", job="node", zone="b"}');
  assert.equal(labels.get('job'), 'node');
  assert.equal(labels.metricName, 'up');
  assert.equal(
    labels.filter(() => true),
    labels,
  );
});
