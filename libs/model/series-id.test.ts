import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ID_BYTES,
  isStaleWords,
  Labels,
  SampleColumns,
  STALE_HIGH,
  STALE_LOW,
  seriesId,
  tenantIdFault,
} from './index.ts';

test('an id depends on tenant, names, values and where one ends and the next begins', () => {
  const id = (tenant: string, labels: Record<string, string>) =>
    Buffer.from(seriesId(tenant, Labels.of(labels))).toString('hex');
  const all = [
    id('t', { a: 'bc' }),
    id('t', { ab: 'c' }),
    id('u', { a: 'bc' }),
    id('ta', { b: 'c' }),
    id('t', { a: 'b', c: 'd' }),
    id('t', {}),
  ];
  assert.equal(new Set(all).size, all.length);
  assert.equal(all[0].length, 2 * ID_BYTES);
  assert.equal(id('t', { b: '2', a: '1' }), id('t', { a: '1', b: '2' }));
});

test('the id of a known series never changes: logs and blocks hold it', () => {
  const id = seriesId('demo', Labels.of({ __name__: 'up', job: 'node' }));
  assert.equal(Buffer.from(id).toString('hex'), '6ef9d238d0430a08dd37da912b454a3a');
});

test('tenant ids are refused with the documented words', () => {
  assert.equal(tenantIdFault("Acme-1_x!.*'()"), undefined);
  assert.equal(tenantIdFault(''), 'no org id');
  assert.equal(tenantIdFault('a,b'), 'x-scope-orgid header must not contain commas');
  for (const bad of ['.', '..', 'a/b', 'a b', 'ü', 'x'.repeat(151), 'a\n'])
    assert.ok(tenantIdFault(bad), bad);
});

test('sample columns grow without changing a bit of what they hold', () => {
  const columns = new SampleColumns(1);
  columns.appendWords(1, STALE_LOW, STALE_HIGH);
  for (let i = 2; i < 100; i++) columns.append(i, -0);
  assert.ok(isStaleWords(columns.valueWords[0], columns.valueWords[1]));
  assert.ok(Object.is(columns.values[98], -0));
  assert.equal(columns.length, 99);
});
