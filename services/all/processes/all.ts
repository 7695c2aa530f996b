import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { connectDatabase, type Database } from '@xscaler/database';
import { connect, type Upstream } from '@xscaler/rpc';
import { type DataDirLock, type Logger, lockDataDir, type Module, type Readiness } from '@xscaler/runtime';
import { ConfigError } from '@xscaler/runtime/config';
import type { HttpServer } from '@xscaler/runtime/http';
import { TenantDirectory } from '@xscaler/tenancy';
import { connectWriteLog } from '@xscaler/writelog';
import { bootstrapTenant, bootstrapToken } from '../commands/bootstrap.ts';
import type { Config, ThreadConfig } from '../configuration/config.ts';
import { closeDataFolder, databasePath, writeLogPath } from '../data/data-folder.ts';
import { requireNoRepair } from '../data/pending-repair.ts';
import type { DistributorStatusApi } from '../status/distributor-status.ts';
import { SelfMetrics } from '../status/self-metrics.ts';
import { statusWatch, warnsOnly } from '../status/status-watch.ts';
import { startGateway } from '../wiring/gateway-server.ts';
import { placePartitions } from '../wiring/place-partitions.ts';
import { ProcessParts } from '../wiring/process-parts.ts';
import { type IngesterStatusApi, partitionsWatch, replayed } from '../wiring/replay.ts';

const STATUS_TIMEOUT_MS = 5_000;

/** Messages to print once everything has started. */
export interface Greeting {
  readonly url: string;
  /** The first tenant. */
  readonly tenant: string;
  /** The tenant's token; undefined if an earlier start made it. */
  readonly token: FirstToken | undefined;
}

/** A token that this start made, or what the operator gave one by, which is shown nowhere. */
export type FirstToken = { readonly text: string } | { readonly givenBy: string };

export interface AllInOne {
  readonly modules: Module[];
  /** Where it listens and what the first start created; known once everything is started. */
  readonly greeting: () => Greeting;
}

/** @throws ConfigError naming settings of a cluster: they contradict writing to `data_dir` */
export function checkAlone(config: Config): Config {
  const { cluster, database, gateway, write_log: log } = config;
  const given = {
    'write_log.brokers': log.brokers.length > 0,
    'database.url': database.url !== '',
    'database.url_file': database.url_file !== '',
    'cluster.redis_url': cluster.redis_url !== '',
    'cluster.redis_url_file': cluster.redis_url_file !== '',
    'gateway.distributors': gateway.distributors.length > 0,
    'gateway.queriers': gateway.queriers.length > 0,
  };
  const problem = '`xscaler all` keeps everything in data_dir and does not use it: start each service';
  const faults = Object.entries(given).flatMap(([where, isGiven]) => (isGiven ? [{ where, problem }] : []));
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

/**
 * The process graph of `xscaler all`, one thread a row. Arrows are message channels:
 *
 *     main (gateway) ─▶ distributor ─▶ write-log ◀─ ingester ─▶ database
 *           │               └──▶ ingester
 *           ├────────▶ querier ─▶ ingester, write-log, database
 *           └────────▶ compactor ─▶ database
 */
export function allInOne(config: Config, logger: Logger, readiness: Readiness): AllInOne {
  const parts = new ProcessParts('gateway', logger);
  const threadConfig: ThreadConfig = { ...config, embedded: true };
  const ends = channels();
  const distributor = connect<Upstream>(ends.main.distributor);
  const distributorStatus = connect<DistributorStatusApi>(ends.main.distributorStatus);
  const querier = connect<Upstream>(ends.main.querier);
  const db: Database = connectDatabase(ends.main.database);
  const directory = new TenantDirectory({ db, defaults: config.limits });
  const ingesterStatus = connect<IngesterStatusApi>(ends.main.ingester);
  let lock: DataDirLock | undefined;
  let server: HttpServer | undefined;
  let tenant = '';
  let token: FirstToken | undefined;
  let selfMetrics: SelfMetrics | undefined;

  const modules: Module[] = [
    {
      name: 'data-dir',
      start: async () => {
        lock = lockDataDir(config.data_dir);
        requireNoRepair(lock.dir);
        closeDataFolder(lock.dir, logger);
      },
      stop: async () => lock?.release(),
    },
    parts.thread('database', { path: databasePath(config.data_dir) }, ends.database, ['data-dir']),
    parts.thread(
      'write-log',
      { path: writeLogPath(config.data_dir), partitionCount: config.write_log.partitions },
      ends.writeLog,
      ['data-dir'],
    ),
    {
      name: 'placement',
      needs: ['database', 'write-log'],
      start: async () =>
        placePartitions(db, await connectWriteLog(ends.main.log), config.write_log.partitions),
    },
    parts.thread('distributor', threadConfig, ends.distributor, ['placement']),
    // Reads go on while the disk is full: the process stays ready for them.
    warnsOnly(
      statusWatch('writes', ['distributor'], () =>
        distributorStatus.refusal(undefined, AbortSignal.timeout(STATUS_TIMEOUT_MS)),
      ),
    ),
    parts.thread('ingester', threadConfig, ends.ingester, ['placement']),
    {
      name: 'replay',
      needs: ['ingester'],
      start: () => replayed(ingesterStatus, new AbortController().signal),
    },
    partitionsWatch(['replay'], () => ingesterStatus.status(undefined, new AbortController().signal)),
    parts.thread('querier', threadConfig, ends.querier, ['placement', 'replay']),
    parts.thread('compactor', threadConfig, ends.compactor, ['database', 'replay']),
    {
      name: 'tenants',
      needs: ['database'],
      start: async () => {
        tenant = await bootstrapTenant(db, config.bootstrap_tenant);
        const { bootstrap_token: given, bootstrap_token_file: path } = config;
        const isFirst = given !== '' && (await bootstrapToken(db, tenant, given)) !== undefined;
        if (isFirst)
          token = { givenBy: path === '' ? 'given by the setting bootstrap_token' : `in the file ${path}` };
        await directory.start();
      },
      stop: async () => directory.stop(),
    },
    {
      name: 'self-metrics',
      needs: ['distributor', 'tenants', 'querier'],
      start: async () => {
        if (!config.self_metrics.enabled) return;
        const { tenant: operators, interval: intervalMs } = config.self_metrics;
        const instance = config.listen;
        selfMetrics = new SelfMetrics({
          collect: operators === '' ? () => parts.metricsFor(tenant) : parts.metrics,
          distributor,
          tenant: operators === '' ? tenant : operators,
          db,
          instance,
          intervalMs,
          clock: Date.now,
          logger,
        });
        await selfMetrics.start();
      },
      stop: async () => selfMetrics?.stop(),
    },
    {
      name: 'gateway',
      needs: ['self-metrics'],
      start: async () => {
        server = await startGateway(config, parts, {
          authenticator: directory,
          distributor,
          querier,
          readiness,
        });
      },
      stop: async () => server?.close(),
    },
    {
      // Not before the address is had: a start that fails at that would have made a token that nobody has seen. One that is
      // given is there when the first request comes.
      name: 'first-token',
      needs: ['gateway'],
      start: async () => {
        if (config.bootstrap_token !== '') return;
        const text = await bootstrapToken(db, tenant, '');
        if (text === undefined) return;
        token = { text };
        await directory.refresh();
      },
    },
  ];
  const greeting = () => ({ url: (server as HttpServer).url, tenant, token });
  return { modules, greeting };
}

/** Both ends of every channel between threads, grouped by the thread that gets them. */
function channels(): Record<
  'main' | 'database' | 'writeLog' | 'distributor' | 'ingester' | 'querier' | 'compactor',
  Record<string, MessagePort>
> {
  const ends: ReturnType<typeof channels> = {
    main: {},
    database: {},
    writeLog: {},
    distributor: {},
    ingester: {},
    querier: {},
    compactor: {},
  };
  const join = (
    client: keyof typeof ends,
    clientName: string,
    server: keyof typeof ends,
    serverName: string,
  ) => {
    const { port1, port2 } = new MessageChannel();
    ends[client][clientName] = port1;
    ends[server][serverName] = port2;
  };
  for (const client of ['main', 'distributor', 'ingester', 'querier'] as const) {
    join(client, 'log', 'writeLog', client);
    join(client, 'database', 'database', client);
  }
  join('querier', 'ingester', 'ingester', 'querier');
  join('distributor', 'ingester', 'ingester', 'distributor');
  join('main', 'distributor', 'distributor', 'gateway');
  join('main', 'distributorStatus', 'distributor', 'main');
  join('main', 'querier', 'querier', 'gateway');
  join('main', 'ingester', 'ingester', 'main');
  join('compactor', 'database', 'database', 'compactor');
  join('main', 'compactor', 'compactor', 'main');
  return ends;
}
