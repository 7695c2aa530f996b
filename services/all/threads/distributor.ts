/** Thread of the distributor. */
import { randomUUID } from 'node:crypto';
import { connectDatabase, SqlDeletionStore } from '@xscaler/database';
import { createDistributor, SeriesDeletions, withDeletions } from '@xscaler/distributor';
import { serve, type Upstream } from '@xscaler/rpc';
import { createLogger, createRegistry, runThread } from '@xscaler/runtime';
import { PlacementDirectory, TenantDirectory } from '@xscaler/tenancy';
import { connectWriteLog } from '@xscaler/writelog';
import type { ThreadConfig } from '../config.ts';

runThread<ThreadConfig>(async ({ config, ports }) => {
  const db = connectDatabase(ports.database, config.embedded ? 'sqlite' : 'postgres');
  const directory = new TenantDirectory({ db, defaults: config.limits });
  await directory.start();
  const placement = new PlacementDirectory({ db });
  await placement.start();
  const registry = createRegistry('distributor');
  const log = await connectWriteLog(ports.log);
  const logger = createLogger({ service: 'distributor', level: config.log.level });
  const deletions = new SeriesDeletions({
    log,
    deletions: new SqlDeletionStore(db),
    newId: randomUUID,
    clock: Date.now,
    logger,
    registry,
  });
  const distributor = createDistributor({
    log,
    limitsOf: (tenant) => directory.tenant(tenant)?.limits ?? config.limits,
    shardOf: (tenant) => placement.writeShard(tenant),
    windowMs: config.ingester.head_window,
    clock: Date.now,
    logger,
    registry,
  });
  serve<Upstream>(ports.gateway, withDeletions(distributor, deletions));
  return {
    registry,
    stop: async () => {
      directory.stop();
      placement.stop();
    },
  };
});
