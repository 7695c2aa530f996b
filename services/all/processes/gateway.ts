import { randomUUID } from 'node:crypto';
import { connectHttpUpstream, type HttpUpstream } from '@xscaler/rpc/network';
import type { Logger, Module, Readiness } from '@xscaler/runtime';
import type { HttpServer } from '@xscaler/runtime/http';
import { TenantDirectory } from '@xscaler/tenancy';
import type { Config } from '../configuration/config.ts';
import { opsServer } from '../network/ops-server.ts';
import { serviceTls } from '../network/service-network.ts';
import { warnsOnly } from '../status/status-watch.ts';
import { clusterSelfMetrics } from '../wiring/cluster-self-metrics.ts';
import { startGateway } from '../wiring/gateway-server.ts';
import { processClock } from '../wiring/process-clock.ts';
import { processIo } from '../wiring/process-io.ts';
import { ProcessParts } from '../wiring/process-parts.ts';
import { SharedRates } from '../wiring/shared-rates.ts';
import { READY_PATH } from './upstream-process.ts';

/** The way in, as a process of its own: tenants from PostgreSQL, writes to distributors, reads to queriers. */
export function gatewayProcess(config: Config, logger: Logger, readiness: Readiness): Module[] {
  const parts = new ProcessParts('gateway', logger);
  const io = processIo('gateway', config, logger);
  const { distributors, queriers } = config.gateway;
  const { secret } = config.cluster;
  // A write done twice is a write done once; a query that was sent may be sent again too.
  const tls = serviceTls(config, logger);
  const options = {
    retryWrites: true,
    healthPath: READY_PATH,
    ...(secret !== '' && { secret }),
    ...(tls !== undefined && { tls }),
  };
  let directory: TenantDirectory | undefined;
  let toDistributors: HttpUpstream | undefined;
  let toQueriers: HttpUpstream | undefined;
  let rates: SharedRates | undefined;
  let server: HttpServer | undefined;
  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      readiness,
      debug: async () => ({
        distributors: toDistributors?.status(),
        queriers: toQueriers?.status(),
        tenants: [...(directory?.tenants() ?? [])].map(({ id, state, reason }) => ({ id, state, reason })),
        databaseAway: directory?.isDatabaseAway,
        gateways: rates?.members,
      }),
    }),
    warnsOnly(io.database),
    {
      name: 'tenants',
      needs: ['database'],
      start: async (signal) => {
        const opened = new TenantDirectory({ db: io.db(), defaults: config.limits });
        directory = opened;
        await io.untilDatabase(() => opened.start(), signal);
      },
      stop: async () => directory?.stop(),
      notReady: () =>
        directory?.canAuthenticate === false
          ? 'tokens cannot be checked: the database has not answered for too long'
          : undefined,
    },
    warnsOnly(io.redis),
    processClock(config, io, ['redis'], logger, parts.registry).module,
    {
      name: 'rates',
      needs: ['redis'],
      start: async () => {
        rates = new SharedRates(io.cluster().rateShares(randomUUID(), 'requests'), () => performance.now());
        await rates.start();
      },
      stop: async () => rates?.stop(),
    },
    {
      name: 'upstreams',
      start: async () => {
        toDistributors = connectHttpUpstream({ addresses: distributors, ...options });
        toQueriers = connectHttpUpstream({ addresses: queriers, ...options });
      },
      stop: async () => {
        await toDistributors?.close();
        await toQueriers?.close();
      },
    },
    {
      name: 'gateway',
      needs: ['tenants', 'rates', 'upstreams'],
      start: async () => {
        server = await startGateway(config, parts, {
          authenticator: directory as TenantDirectory,
          distributor: toDistributors as HttpUpstream,
          querier: toQueriers as HttpUpstream,
          rates: rates as SharedRates,
          // Warnings name servers that do not concern clients.
          readiness: { notReady: () => readiness.notReady(), warnings: () => [] },
        });
      },
      stop: async () => server?.close(),
    },
    clusterSelfMetrics(config, parts, io, tls, logger),
  ];
}
