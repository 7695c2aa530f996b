import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { migrate, openSqliteDatabase } from '@xscaler/database';
import type { UpstreamRequest } from '@xscaler/rpc';
import { serveHttpUpstream } from '@xscaler/rpc/network';
import { createLogger } from '@xscaler/runtime';
import { loadConfig } from '@xscaler/runtime/config';
import { listenHttp } from '@xscaler/runtime/http';
import { TenantStore } from '@xscaler/tenancy';
import { TestAuthority } from '@xscaler/testkit';
import { configSchema } from '../configuration/config.ts';
import { serviceTls } from '../network/service-network.ts';
import { clusterSelfMetrics } from './cluster-self-metrics.ts';
import { ProcessParts } from './process-parts.ts';

test('own metrics reach distributors that ask for TLS and a certificate', { timeout: 30_000 }, async (t) => {
  const authority = new TestAuthority();
  t.after(() => authority.dispose());
  const own = authority.issue({ commonName: 'a service', altNames: ['IP:127.0.0.1'] });
  const folder = mkdtempSync(join(tmpdir(), 'self-metrics-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const db = openSqliteDatabase(join(folder, 'database.sqlite'));
  t.after(() => db.close());
  await migrate(db);
  await new TenantStore(db).createTenant({ id: 'operator', name: 'Operator' }, { who: 'test', from: 'test' });
  const logger = createLogger({ service: 'test', level: 'silent' });
  const secured = {
    XSCALER_CLUSTER_SECRET: 'known',
    XSCALER_CLUSTER_TLS_CA_FILE: authority.caFile,
    XSCALER_CLUSTER_TLS_CERT_FILE: own.certFile,
    XSCALER_CLUSTER_TLS_KEY_FILE: own.keyFile,
    XSCALER_CLUSTER_TLS_REQUIRE_CLIENT_CERT: 'true',
    XSCALER_SELF_METRICS_TENANT: 'operator',
  };
  const configOf = (env: Record<string, string>) => loadConfig(configSchema, { argv: [], env });
  const tls = serviceTls(configOf(secured), logger);
  assert.ok(tls !== undefined);
  t.after(() => tls.close());

  const { promise: written, resolve } = Promise.withResolvers<UpstreamRequest>();
  const upstream = serveHttpUpstream(
    {
      handle: async (request) => {
        resolve(request);
        return { status: 204, headers: {}, body: new Uint8Array(0) };
      },
    },
    { secret: 'known' },
  );
  const distributor = await listenHttp(upstream, { host: '127.0.0.1', port: 0, tls });
  t.after(() => distributor.close(0));

  const address = new URL(distributor.url).host;
  const config = configOf({ ...secured, XSCALER_GATEWAY_DISTRIBUTORS: address });
  const parts = new ProcessParts('test', logger);
  const module = clusterSelfMetrics(config, parts, { db: () => db }, tls, logger);
  await module.start(new AbortController().signal);
  t.after(() => module.stop?.());
  assert.equal((await written).tenant, 'operator');
});
