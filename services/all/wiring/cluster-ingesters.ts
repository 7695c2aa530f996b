import type { MessagePort } from 'node:worker_threads';
import { type IngesterApi, serve } from '@xscaler/rpc';
import { ReplicatedIngesters, type ServiceTls } from '@xscaler/rpc/network';
import type { Logger, Module } from '@xscaler/runtime';
import type { Config } from '../configuration/config.ts';
import { IngesterDirectory } from './ingester-directory.ts';
import type { ProcessIo } from './process-io.ts';

export interface ClusterIngesters {
  readonly module: Module;
  /** Undefined until the module is started. */
  readonly directory: () => IngesterDirectory | undefined;
}

/** All ingesters of the cluster as one, served to the thread behind a port. */
export function clusterIngesters(
  config: Config,
  io: ProcessIo,
  tls: ServiceTls | undefined,
  logger: Logger,
  port: MessagePort,
): ClusterIngesters {
  let directory: IngesterDirectory | undefined;
  const module: Module = {
    name: 'ingesters',
    needs: ['redis'],
    start: async () => {
      const known = new IngesterDirectory(io.cluster().owners, config.cluster.secret, tls);
      directory = known;
      await known.start();
      const replicated = new ReplicatedIngesters({
        replicas: () => known.replicas(),
        isFinal: isEveryones,
        onFailover: ({ replica, partitions }, error, requestId) =>
          logger.warn(
            { requestId, replica: replica.name, partitions, err: error },
            'an ingester failed; trying another one',
          ),
      });
      serve<IngesterApi>(port, replicated);
    },
    stop: async () => directory?.stop(),
  };
  return { module, directory: () => directory };
}

/** What both zones would say alike: the fault is the request's, and asking again costs them the same once more. */
function isEveryones(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string };
  return name === 'SyntaxError' || code === 'too_large' || code === 'pattern_cost';
}
