import type { Route } from '../../services/gateway/routing/routes.ts';

const SCOPES: Readonly<Record<Route['kind'], string>> = { write: 'write', read: 'read', admin: 'admin' };

/** The Markdown page of every path that the gateway serves. */
export function apiPage(routes: readonly Route[]): string {
  const lines = [
    '# HTTP API',
    '',
    'Generated from the code by `npm run docs`. Every request needs `Authorization: Bearer <token>` and `X-Scope-OrgID`.',
    'Parameters and answers are those of the',
    '[Prometheus HTTP API](https://prometheus.io/docs/prometheus/latest/querying/api/), and of Mimir for `cardinality/…`.',
    '',
    '| path | methods | scope | |',
    '| --- | --- | --- | --- |',
  ];
  for (const { paths, methods, kind, summary } of routes) {
    const shown = paths.map((path) => `\`${path.replace(/:(\w+)/g, '{$1}')}\``).join('<br>');
    lines.push(`| ${shown} | ${methods.join(', ')} | ${SCOPES[kind]} | ${summary} |`);
  }
  lines.push(
    '',
    'OTLP over gRPC is `opentelemetry.proto.collector.metrics.v1.MetricsService/Export`, with the two headers as metadata.',
    '',
    'These need no token:',
    '',
    '| path | |',
    '| --- | --- |',
    "| `/metrics` | The server's own metrics, without names of tenants. |",
    '| `/-/healthy` | 200 while the process runs. |',
    '| `/-/ready` | 200 while it can do its work, otherwise 503 with the reason. |',
  );
  return `${lines.join('\n')}\n`;
}
