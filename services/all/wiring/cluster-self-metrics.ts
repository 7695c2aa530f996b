import { hostname } from 'node:os';
import { connectHttpUpstream, type HttpUpstream, type ServiceTls } from '@xscaler/rpc/network';
import type { Logger, Module } from '@xscaler/runtime';
import { ConfigError } from '@xscaler/runtime/config';
import { type Config, parseListenAddress } from '../configuration/config.ts';
import { SelfMetrics } from '../status/self-metrics.ts';
import type { ProcessIo } from './process-io.ts';
import type { ProcessParts } from './process-parts.ts';

/**
 * Writes the metrics of a service of a cluster into the tenant that `self_metrics.tenant` names, the operator's own: they name
 * all tenants. Nothing is written if no tenant is named.
 */
export function clusterSelfMetrics(
  config: Config,
  parts: ProcessParts,
  io: Pick<ProcessIo, 'db'>,
  tls: ServiceTls | undefined,
  logger: Logger,
): Module {
  const { enabled, tenant, interval: intervalMs } = config.self_metrics;
  let upstream: HttpUpstream | undefined;
  let selfMetrics: SelfMetrics | undefined;
  return {
    name: 'self-metrics',
    needs: ['database'],
    start: async () => {
      if (!enabled || tenant === '') return;
      const { distributors: addresses } = config.gateway;
      if (addresses.length === 0) {
        throw new ConfigError([
          { where: 'gateway.distributors', problem: 'is needed with self_metrics.tenant' },
        ]);
      }
      const { secret } = config.cluster;
      upstream = connectHttpUpstream({
        addresses,
        retryWrites: true,
        ...(secret !== '' && { secret }),
        ...(tls !== undefined && { tls }),
      });
      selfMetrics = new SelfMetrics({
        collect: parts.metrics,
        distributor: upstream,
        tenant,
        db: io.db(),
        // As a Prometheus that scrapes `ops_listen` names it.
        instance: `${hostname()}:${parseListenAddress(config.ops_listen).port}`,
        intervalMs,
        clock: Date.now,
        logger,
      });
      // A start doesn't wait for distributors, which may be starting themselves.
      void selfMetrics.start();
    },
    stop: async () => {
      await selfMetrics?.stop();
      await upstream?.close();
    },
  };
}
