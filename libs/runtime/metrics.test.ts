import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Gauge, Histogram } from 'prom-client';
import { collectThreads, createRegistry, registrySource } from './metrics.ts';

function thread(service: string, requests: number, oldestMs: number) {
  const registry = createRegistry(service);
  new Counter({ name: 'requests_total', help: 'Requests', labelNames: ['route'], registers: [registry] }).inc(
    { route: 'a' },
    requests,
  );
  new Gauge({ name: 'oldest_ms', help: 'Oldest', aggregator: 'min', registers: [registry] }).set(oldestMs);
  new Histogram({ name: 'seconds', help: 'Seconds', buckets: [1, 2], registers: [registry] }).observe(1.5);
  return registrySource(registry);
}

test('metrics of several threads become one, each by its aggregator', async () => {
  // As threads send them to one another.
  const source = async (requests: number, oldestMs: number) => {
    const families = structuredClone(await thread('heads', requests, oldestMs).metrics());
    return { metrics: async () => families };
  };
  const collected = await collectThreads([await source(1, 5), await source(2, 3), thread('query', 10, 9)]);
  assert.match(collected.text, /^# TYPE requests_total counter$/m);
  assert.match(collected.text, /^requests_total\{route="a",service="heads"\} 3$/m);
  assert.match(collected.text, /^requests_total\{route="a",service="query"\} 10$/m);
  assert.match(collected.text, /^oldest_ms\{service="heads"\} 3$/m);
  assert.match(collected.text, /^seconds_bucket\{le="2",service="heads"\} 2$/m);
  assert.match(collected.text, /^seconds_count\{service="heads"\} 2$/m);
  assert.match(collected.contentType, /^text\/plain/);
});

test('samples are those of the text', async () => {
  const collected = await collectThreads([thread('heads', 1, 5)]);
  const lines = collected.samples.map(({ name, labels, value }) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
    return `${name}{${pairs.join(',')}} ${value}`;
  });
  const text = collected.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  assert.deepEqual(lines, text);
  assert.deepEqual(
    collected.families.map(({ name, type }) => `${name} ${type}`),
    ['requests_total counter', 'oldest_ms gauge', 'seconds histogram'],
  );
});

test('metrics of the process come if they are asked for', async () => {
  const plain = await collectThreads([registrySource(createRegistry('a'))]);
  assert.equal(plain.samples.length, 0);
  const full = await collectThreads([registrySource(createRegistry('a', { defaultMetrics: true }))]);
  assert.ok(full.samples.some(({ name }) => name === 'process_resident_memory_bytes'));
});

test('tenants that the reader may not know of are added up without their names', async () => {
  const registry = createRegistry('heads');
  const registers = [registry];
  const refused = new Counter({
    name: 'refused_total',
    help: 'Refused',
    labelNames: ['tenant', 'reason'],
    registers,
  });
  refused.inc({ tenant: 'a', reason: 'x' }, 1);
  refused.inc({ tenant: 'b', reason: 'x' }, 2);
  refused.inc({ tenant: 'c', reason: 'x' }, 8);
  refused.inc({ tenant: 'b', reason: 'y' }, 4);
  const elected = new Gauge({
    name: 'elected',
    help: 'Elected',
    labelNames: ['tenant', 'cluster', 'replica'],
    registers,
  });
  elected.set({ tenant: 'a', cluster: 'own', replica: 'own-0' }, 1);
  elected.set({ tenant: 'b', cluster: 'secret', replica: 'secret-0' }, 1);
  const lines = async (isNamed: (tenant: string) => boolean) => {
    const { text } = await collectThreads([registrySource(registry)], { isNamed });
    return text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .sort();
  };
  assert.deepEqual(await lines(() => false), [
    'elected{service="heads"} 2',
    'refused_total{reason="x",service="heads"} 11',
    'refused_total{reason="y",service="heads"} 4',
  ]);
  assert.deepEqual(await lines((tenant) => tenant === 'a'), [
    'elected{service="heads"} 1',
    'elected{tenant="a",cluster="own",replica="own-0",service="heads"} 1',
    'refused_total{reason="x",service="heads"} 10',
    'refused_total{reason="y",service="heads"} 4',
    'refused_total{tenant="a",reason="x",service="heads"} 1',
  ]);
});
