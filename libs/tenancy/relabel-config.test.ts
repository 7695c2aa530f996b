import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitsSchema } from './limits.ts';
import { relabelSetting } from './relabel-config.ts';
import { mergeLimits } from './tenant-limits.ts';

const DEFAULTS = {
  source_labels: [],
  separator: ';',
  regex: '(.*)',
  modulus: 0,
  target_label: '',
  replacement: '$1',
  action: 'replace',
};

test('a rule has the defaults of Prometheus, from a list or from its JSON', () => {
  const rules = [
    { source_labels: ['a', 'b'], target_label: 'c' },
    { action: 'LabelDrop', regex: 'x.*' },
  ];
  const expected = [
    { ...DEFAULTS, source_labels: ['a', 'b'], target_label: 'c' },
    { ...DEFAULTS, action: 'labeldrop', regex: 'x.*' },
  ];
  assert.deepEqual(relabelSetting.parse(rules), expected);
  assert.deepEqual(relabelSetting.parse(JSON.stringify(rules)), expected);
  assert.deepEqual(relabelSetting.parse(undefined), []);
  assert.deepEqual(relabelSetting.parse(''), []);
});

test('what Prometheus refuses to load is refused, saying which rule', () => {
  const faulty: [unknown, RegExp][] = [
    [[{}], /rule 0: replace needs a target_label/],
    [[{ action: 'drop', regex: '(' }], /rule 0: regex: .*missing closing \)/],
    [[{ action: 'hashmod', target_label: 'x' }], /modulus/],
    [[{ action: 'keepequal' }], /target_label/],
    [[{ action: 'dropequal', target_label: 'x', regex: 'a' }], /takes only/],
    [[{ action: 'labeldrop', regex: 'a', source_labels: ['b'] }], /takes only/],
    [[{ action: 'labelkeep', replacement: 'b' }], /takes only/],
    [[{ action: 'drop', regex: 'a' }, { action: 'forget' }], /rule 1\.action/],
    [[{ action: 'drop', sources: [] }], /sources/],
    ['[', /JSON/],
    ['{}', /array/],
    [Array.from({ length: 101 }, () => ({ action: 'drop', regex: 'x' })), /100/],
  ];
  for (const [rules, message] of faulty) {
    const parsed = relabelSetting.safeParse(rules);
    assert.equal(parsed.success, false, JSON.stringify(rules));
    assert.match(parsed.error?.message ?? '', message);
  }
});

test('a tenant may override rules and labels to drop, as text', () => {
  const defaults = limitsSchema.parse({});
  assert.deepEqual(defaults.drop_labels, []);
  const limits = mergeLimits(defaults, {
    drop_labels: 'pod_uid, node',
    metric_relabel_configs: '[{"action":"drop","source_labels":["__name__"],"regex":"go_.*"}]',
  });
  assert.deepEqual(limits.drop_labels, ['pod_uid', 'node']);
  assert.equal(limits.metric_relabel_configs[0].regex, 'go_.*');
  assert.deepEqual(limitsSchema.parse(limits), limits, 'what was parsed can be parsed again');
  assert.throws(() => mergeLimits(defaults, { metric_relabel_configs: '[{"action":"drop","regex":"*"}]' }), {
    code: 'invalid',
    message: /metric_relabel_configs: rule 0: regex/,
  });
});
