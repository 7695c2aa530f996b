/** Thread of the distributor. */
import { connectDatabase } from '@xscaler/database';
import { createDistributor } from '@xscaler/distributor';
import { serve, type Upstream } from '@xscaler/rpc';
import { createLogger, createRegistry, runThread } from '@xscaler/runtime';
import { TenantDirectory } from '@xscaler/tenancy';
import { connectWriteLog } from '@xscaler/writelog';
import type { ThreadConfig } from '../config.ts';

runThread<ThreadConfig>(async ({ config, ports }) => {
  const directory = new TenantDirectory({
    db: connectDatabase(ports.database, config.embedded ? 'sqlite' : 'postgres'),
    defaults: config.limits,
  });
  await directory.start();
  const registry = createRegistry('distributor');
  const log = connectWriteLog(ports.log, config.write_log.partitions);
  const distributor = createDistributor({
    log,
    limitsOf: (tenant) => directory.tenant(tenant)?.limits ?? config.limits,
    windowMs: config.ingester.head_window,
    clock: Date.now,
    logger: createLogger({ service: 'distributor', level: config.log.level }),
    registry,
  });
  serve<Upstream>(ports.gateway, distributor);
  return { registry, stop: async () => directory.stop() };
});
