import assert from 'node:assert/strict';
import test from 'node:test';
import type { Limits } from '@xscaler/tenancy';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { counts, NOW_MS, series, setUp, stored, textOf } from './distributor.testbed.ts';

const settings = (written: object): Pick<Limits, 'metric_relabel_configs' | 'drop_labels'> => {
  const { metric_relabel_configs, drop_labels } = limitsSchema.parse(written);
  return { metric_relabel_configs, drop_labels };
};

const DROP_GO = { action: 'drop', source_labels: ['__name__'], regex: 'go_.*' };

const labelsIn = ({ log }: ReturnType<typeof setUp>) => stored(log).map(({ labels }) => labels.toString());

test('series dropped by rules are counted by reason, and are not the request’s fault', async () => {
  const bed = setUp(settings({ metric_relabel_configs: [DROP_GO] }));
  const both = [series({ __name__: 'go_gc' }), series({ __name__: 'up' })];
  for (let i = 0; i < 3; i++) assert.equal((await bed.push(both)).status, 204);
  assert.equal((await bed.push(both.slice(0, 1))).status, 204);
  assert.deepEqual(labelsIn(bed), ['{__name__="up"}', '{__name__="up"}', '{__name__="up"}']);
  assert.deepEqual(await counts(bed.registry), { received: 7, stored: 3, refused: 4 });
  assert.match(
    await bed.registry.metrics(),
    /refused_total\{tenant="acme",reason="dropped_by_relabelling"\} 4/,
  );
});

test('a series has the id of its stored labels, in every form it is sent', async () => {
  const bed = setUp(settings({ drop_labels: 'pod' }));
  for (const pod of ['1', '2', '1']) await bed.push([series({ __name__: 'up', pod, zone: 'z' })]);
  await bed.push([series({ __name__: 'up', zone: 'z' })]);
  assert.equal(new Set(stored(bed.log).map(({ id }) => id)).size, 1);
  assert.deepEqual(new Set(labelsIn(bed)), new Set(['{__name__="up", zone="z"}']));
});

test('changed settings apply from the next request on, to known series too', async () => {
  const bed = setUp();
  const one = [series({ __name__: 'go_gc', pod: '1' })];
  await bed.push(one);
  bed.current.limits = { ...bed.current.limits, ...settings({ metric_relabel_configs: [DROP_GO] }) };
  await bed.push(one);
  bed.current.limits = { ...bed.current.limits, ...settings({ drop_labels: ['pod'] }) };
  await bed.push(one);
  assert.deepEqual(labelsIn(bed), ['{__name__="go_gc", pod="1"}', '{__name__="go_gc"}']);
});

test('a series with a label too long for a rule’s pattern is refused by name, and the rest is stored', async () => {
  const costly = { source_labels: ['a'], target_label: 'b', regex: '(?:x?)'.repeat(600), replacement: 'y' };
  const bed = setUp(settings({ metric_relabel_configs: [costly] }));
  const fits = series({ __name__: 'up', a: 'x'.repeat(100) });
  const answer = await bed.push([series({ __name__: 'up', a: 'x'.repeat(1_000) }), fits]);
  assert.equal(answer.status, 400);
  assert.match(textOf(answer), /too long for the pattern of one of the tenant's relabelling rules/);
  assert.match(textOf(answer), /1000 characters for the relabelling rule \(\?:x\?\)/);
  assert.deepEqual(labelsIn(bed), [`{__name__="up", a="${'x'.repeat(100)}", b="y"}`]);
  assert.match(await bed.registry.metrics(), /reason="relabelling_too_costly"\} 1/);
});

test('limits apply to labels as stored', async () => {
  const rule = { source_labels: ['long'], target_label: 'long', regex: '(.).*' };
  const bed = setUp({
    ...settings({ metric_relabel_configs: [rule], drop_labels: 'x,y' }),
    max_label_names_per_series: 2,
    max_label_value_length: 3,
  });
  const fits = series({ __name__: 'up', x: '1', y: '1', long: 'abcdef' });
  assert.equal((await bed.push([fits])).status, 204);
  assert.deepEqual(labelsIn(bed), ['{__name__="up", long="a"}']);
  assert.match(
    textOf(await bed.push([series({ __name__: 'up', a: '1', b: '1' })])),
    /too_many_labels|more labels/,
  );
  const grown = { source_labels: ['a'], target_label: 'a', replacement: '$1$1$1$1' };
  bed.current.limits = { ...bed.current.limits, ...settings({ metric_relabel_configs: [grown] }) };
  assert.match(textOf(await bed.push([series({ __name__: 'up', a: 'b' })])), /label value is longer/);
});

test('dropped series are not active, and cost no rate', async () => {
  const bed = setUp({
    ...settings({ metric_relabel_configs: [DROP_GO] }),
    max_global_series_per_user: 1,
    ingestion_rate: 1,
    ingestion_burst_size: 2,
  });
  const many = Array.from({ length: 50 }, (_, i) => series({ __name__: `go_${i}` }));
  assert.equal((await bed.push([...many, series({ __name__: 'up' })])).status, 204);
  bed.clock.nowMs += 1_000;
  assert.equal((await bed.push([...many, series({ __name__: 'up' }, NOW_MS + 1_000)])).status, 204);
});
