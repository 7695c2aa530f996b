import assert from 'node:assert/strict';
import test from 'node:test';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { LabelRewriting } from './label-rewriting.ts';

/** Labels before and after rules; undefined if the series is left out. */
function relabelled(labels: Record<string, string>, ...rules: object[]): Record<string, string> | undefined {
  return rewritten(labels, { metric_relabel_configs: rules })?.labels;
}

function rewritten(labels: Record<string, string>, settings: object) {
  const rewriting = new LabelRewriting(limitsSchema.parse(settings));
  const pairs = Object.entries(labels)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flat();
  const result = rewriting.rewrite(pairs);
  if (result === undefined) return undefined;
  const entries: [string, string][] = [];
  for (let i = 0; i < result.pairs.length; i += 2) entries.push([result.pairs[i], result.pairs[i + 1]]);
  assert.deepEqual(
    entries.map(([name]) => name),
    entries.map(([name]) => name).sort(),
    'sorted',
  );
  return { ...result, labels: Object.fromEntries(entries) };
}

// Expected results are those of Prometheus' relabel package.
test('replace puts groups of the joined sources into the target', () => {
  const a = { a: 'foo', b: 'bar', c: 'baz' };
  const rule = { source_labels: ['a', 'b'], target_label: 'd', separator: ';' };
  assert.deepEqual(relabelled(a, { ...rule, regex: 'f(.*);(.*)r', replacement: 'ch$\x7b1}-ch$\x7b1}' }), {
    ...a,
    d: 'choo-choo',
  });
  assert.deepEqual(relabelled(a, { ...rule, regex: 'no', replacement: 'x' }), a, 'no match, no change');
  assert.deepEqual(relabelled(a, { ...rule, regex: 'f.*', replacement: '' }), a, 'an absent one stays so');
  assert.deepEqual(relabelled(a, { source_labels: ['a'], target_label: 'b', replacement: '' }), {
    a: 'foo',
    c: 'baz',
  });
  assert.deepEqual(relabelled(a, { target_label: 'job', replacement: 'static' }), { ...a, job: 'static' });
  assert.deepEqual(
    relabelled(a, {
      source_labels: ['a'],
      regex: '(?P<first>.)(.*)',
      target_label: '$\x7bfirst}_$2',
      replacement: '$first$$$3$\x7bnobody}$1x!',
    }),
    { ...a, f_oo: 'f$!' },
  );
  assert.deepEqual(relabelled({ a: 'x\ny' }, { source_labels: ['a'], target_label: 'b' }), {
    a: 'x\ny',
    b: 'x\ny',
  });
});

test('keep, drop, keepequal and dropequal leave series out', () => {
  const a = { a: 'foo', b: 'foo', c: 'baz' };
  assert.equal(relabelled(a, { action: 'drop', source_labels: ['a'], regex: 'f.*' }), undefined);
  assert.deepEqual(relabelled(a, { action: 'drop', source_labels: ['a'], regex: 'f' }), a, 'anchored');
  assert.deepEqual(relabelled(a, { action: 'keep', source_labels: ['a'], regex: 'f.*' }), a);
  assert.equal(relabelled(a, { action: 'keep', source_labels: ['a'], regex: 'o' }), undefined);
  assert.deepEqual(relabelled(a, { action: 'keepequal', source_labels: ['a'], target_label: 'b' }), a);
  assert.equal(relabelled(a, { action: 'keepequal', source_labels: ['a'], target_label: 'c' }), undefined);
  assert.equal(relabelled(a, { action: 'dropequal', source_labels: ['a'], target_label: 'b' }), undefined);
  assert.deepEqual(relabelled(a, { action: 'dropequal', source_labels: ['a'], target_label: 'z' }), a);
});

test('labelmap, labeldrop and labelkeep go by names', () => {
  const a = { a: 'foo', b1: 'bar', b2: 'baz' };
  assert.deepEqual(relabelled(a, { action: 'labelmap', regex: 'b(.)', replacement: 'bar_$\x7b1}' }), {
    ...a,
    bar_1: 'bar',
    bar_2: 'baz',
  });
  assert.deepEqual(relabelled(a, { action: 'labeldrop', regex: 'b.*' }), { a: 'foo' });
  assert.deepEqual(relabelled(a, { action: 'labelkeep', regex: 'b1|x' }), { b1: 'bar' });
  assert.equal(relabelled(a, { action: 'labelkeep', regex: 'x' }), undefined, 'nothing is left');
});

test('hashmod, lowercase and uppercase', () => {
  // Prometheus returns 976 for this value and modulus.
  const hashed = { action: 'hashmod', source_labels: ['c'], target_label: 'd', modulus: 1000 };
  assert.deepEqual(relabelled({ a: 'foo', b: 'bar', c: 'baz' }, hashed), {
    a: 'foo',
    b: 'bar',
    c: 'baz',
    d: '976',
  });
  assert.deepEqual(
    relabelled(
      { foo: 'bAr123Foo' },
      { action: 'lowercase', source_labels: ['foo'], target_label: 'l' },
      { action: 'uppercase', source_labels: ['foo'], target_label: 'u' },
    ),
    { foo: 'bAr123Foo', l: 'bar123foo', u: 'BAR123FOO' },
  );
});

test('each rule sees the result of the rules before it', () => {
  assert.deepEqual(
    relabelled(
      { a: 'boo' },
      { source_labels: ['a'], regex: 'f', target_label: 'b', replacement: 'bar' },
      { source_labels: ['a'], regex: 'b(.*)', target_label: 'b', replacement: 'f$1' },
      { source_labels: ['b'], regex: 'foo', target_label: 'c', replacement: 'yes' },
      { action: 'labeldrop', regex: 'a' },
    ),
    { b: 'foo', c: 'yes' },
  );
});

test('the replica label of an HA pair is removed before rules and dropped labels', () => {
  const sent = { __replica__: 'one', cluster: 'eu', job: 'node', pod: 'x' };
  const found = rewritten(sent, {
    drop_labels: ['pod', 'nobody'],
    metric_relabel_configs: [{ source_labels: ['__replica__', 'job'], target_label: 'seen' }],
  });
  assert.deepEqual(found?.labels, { cluster: 'eu', job: 'node', seen: ';node' });
  assert.equal(found?.cluster, 'eu');
  assert.equal(found?.replica, 'one');
  assert.deepEqual(rewritten(sent, { accept_ha_samples: false })?.labels, sent);
  const { cluster: _, ...alone } = sent;
  assert.deepEqual(rewritten(alone, {})?.labels, alone, 'both labels make a pair');
  const named = rewritten({ c: 'eu', r: 'two', x: '1' }, { ha_cluster_label: 'c', ha_replica_label: 'r' });
  assert.deepEqual([named?.labels, named?.cluster, named?.replica], [{ c: 'eu', x: '1' }, 'eu', 'two']);
});

test('settings with the same effect are recognized', () => {
  const rewriting = new LabelRewriting(limitsSchema.parse({ drop_labels: 'a' }));
  assert.ok(rewriting.isBy(limitsSchema.parse({ drop_labels: 'a', ingestion_rate: 5 })));
  assert.ok(!rewriting.isBy(limitsSchema.parse({ drop_labels: 'a,b' })));
  assert.ok(!rewriting.isBy(limitsSchema.parse({ drop_labels: 'a', accept_ha_samples: false })));
});
