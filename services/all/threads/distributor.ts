/** Thread of the distributor. */
import { randomUUID } from 'node:crypto';
import { connectDatabase, SqlDeletionStore, SqlLogIdentityStore, SqlOutageStore } from '@xscaler/database';
import {
  AppendHealth,
  createDistributor,
  GuardedLog,
  LogGuard,
  Outages,
  RecordVersions,
  SeriesDeletions,
  withDeletions,
} from '@xscaler/distributor';
import { connect, type IngesterApi, serve, type Upstream } from '@xscaler/rpc';
import { createLogger, createRegistry, runThread } from '@xscaler/runtime';
import { PlacementDirectory, TenantDirectory, TenantStore } from '@xscaler/tenancy';
import { connectWriteLog } from '@xscaler/writelog';
import type { ThreadConfig } from '../configuration/config.ts';
import type { DistributorStatusApi } from '../status/distributor-status.ts';
import { connectCluster } from '../wiring/cluster-port.ts';
import { connectClock } from '../wiring/process-clock.ts';
import { SharedRates } from '../wiring/shared-rates.ts';
import { untilDatabase } from '../wiring/until-database.ts';

/** Until the ingesters have given all ids of a tenant's active series. */
const ACTIVE_IDS_TIMEOUT_MS = 30_000;

runThread<ThreadConfig>(async ({ config, ports, waitsFor }) => {
  const logger = createLogger({ service: 'distributor', level: config.log.level });
  const db = connectDatabase(ports.database, config.embedded ? 'sqlite' : 'postgres');
  const clock = config.embedded ? undefined : await connectClock(ports.clock, config);
  const clockFault = () => clock?.fault();
  const directory = new TenantDirectory({ db, defaults: config.limits });
  await untilDatabase(() => directory.start(), { waitsFor, logger });
  const placement = new PlacementDirectory({ db });
  await untilDatabase(() => placement.start(), { waitsFor, logger });
  const registry = createRegistry('distributor');
  const connected = await connectWriteLog(ports.log);
  const identities = new SqlLogIdentityStore(db);
  const guard = new LogGuard({ log: connected, identities, logger });
  await guard.start();
  const log = new GuardedLog(connected, guard);
  const tenants = new TenantStore(db);
  const deletions = new SeriesDeletions({
    log,
    deletions: new SqlDeletionStore(db),
    audit: (trace, actor) => tenants.noteAction(trace, actor),
    newId: randomUUID,
    clock: Date.now,
    clockFault,
    logger,
    registry,
  });
  const ingester = connect<IngesterApi>(ports.ingester, { streams: { select: true } });
  const activeSeries = async (tenant: string): Promise<Uint32Array> => {
    const partitions = await placement.readPartitions(tenant);
    const ends = await Promise.all(
      partitions.map(async (partition) => [partition, await log.endOffset(partition)] as const),
    );
    const read = { tenant, partitions, minOffsets: Object.fromEntries(ends) };
    const ids = await ingester.activeIds(read, AbortSignal.timeout(ACTIVE_IDS_TIMEOUT_MS));
    return new Uint32Array(ids.buffer, ids.byteOffset, ids.byteLength / Uint32Array.BYTES_PER_ELEMENT);
  };
  // In one process there is no other distributor.
  const cluster = config.embedded ? undefined : connectCluster(ports.cluster);
  const rates = cluster && new SharedRates(cluster.shares, () => performance.now());
  await rates?.start();
  const versions = cluster && new RecordVersions({ owners: cluster.owners, clock: Date.now, logger });
  await versions?.start();
  const outages = new Outages({
    store: new SqlOutageStore(db, 2 * config.cluster.max_clock_skew),
    clock: Date.now,
    clockFault,
    logger,
  });
  await outages.start();
  const appendHealth = new AppendHealth({
    append: (partition, record) => log.append(partition, record),
    onWell: () => outages.noteWell(),
    logger,
    now: () => performance.now(),
  });
  await appendHealth.start();
  const distributor = createDistributor({
    log,
    limitsOf: (tenant) => directory.tenant(tenant)?.limits ?? config.limits,
    shardOf: (tenant) => placement.writeShard(tenant),
    activeSeries,
    ...(cluster && { leases: cluster.leases, activeTotal: (tenant) => cluster.activeTotal(tenant) }),
    ...(rates && { rates }),
    outages,
    appendHealth,
    ...(versions && { recordVersion: () => versions.current }),
    windowMs: config.ingester.head_window,
    clock: Date.now,
    clockFault,
    logger,
    registry,
  });
  serve<Upstream>(ports.gateway, withDeletions(distributor, deletions));
  serve<DistributorStatusApi>(ports.main, {
    inspect: async () => distributor.inspect(),
    refusal: async () => guard.notReady() ?? appendHealth.refusal,
  });
  return {
    registry,
    stop: async () => {
      directory.stop();
      placement.stop();
      await outages.stop();
      await guard.stop();
      appendHealth.stop();
      await rates?.stop();
      await versions?.stop();
    },
  };
});
