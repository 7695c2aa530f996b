import assert from 'node:assert/strict';
import { test } from 'node:test';
import { declaredMetrics, metricsPage } from './metrics-page.ts';

const source = `
    this.seconds = new Histogram({
      name: 'xscaler_querier_query_seconds',
      help: 'Time until the tenant\\'s answer.',
      labelNames: ['type', 'status'],
      buckets: [0.1, 1],
      registers,
    });
    new Gauge<'tenant'>({ name: 'xscaler_gateway_bytes', help: 'Bytes a | b', registers, collect() {} });
    names = { commits: ['xscaler_writelog_commits', 'Transactions.'] };
    const counter = (name: string, help: string) => new Counter({ name, help, registers });
    this.merges = counter('xscaler_compactor_merges_total', 'Merges.');
`;

test('declared metrics are found with type, labels and help', () => {
  assert.deepEqual(declaredMetrics('services/querier/querier-metrics.ts', source), [
    {
      name: 'xscaler_querier_query_seconds',
      type: 'histogram',
      labels: ['type', 'status'],
      help: "Time until the tenant's answer.",
    },
    { name: 'xscaler_gateway_bytes', type: 'gauge', labels: [], help: 'Bytes a | b' },
    { name: 'xscaler_writelog_commits', type: 'gauge', labels: [], help: 'Transactions.' },
    { name: 'xscaler_compactor_merges_total', type: 'counter', labels: [], help: 'Merges.' },
  ]);
});

test('a metric whose name is not a literal is an error', () => {
  assert.throws(
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is the source that is read.
    () => declaredMetrics('a.ts', 'new Counter({ name: `xscaler_${name}`, help, registers });'),
    /a\.ts: a metric's name and help must be literals/,
  );
});

test('the page has a table for each part of the program, sorted', () => {
  const page = metricsPage(declaredMetrics('a.ts', source));
  assert.deepEqual(
    page.split('\n').filter((line) => line.startsWith('## ')),
    ['## compactor', '## gateway', '## querier', '## writelog'],
  );
  assert.match(page, /\| `xscaler_gateway_bytes` \| gauge \| {2}\| Bytes a \\\| b\. \|/);
});
