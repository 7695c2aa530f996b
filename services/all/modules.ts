import { join } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { connectDatabase, type Database } from '@xscaler/database';
import { createGateway } from '@xscaler/gateway';
import { connect, type Upstream } from '@xscaler/rpc';
import {
  type CollectedMetrics,
  collectThreads,
  createRegistry,
  type DataDirLock,
  type HttpServer,
  type Logger,
  listenHttp,
  lockDataDir,
  type Module,
  registrySource,
  startThread,
  type Thread,
} from '@xscaler/runtime';
import { TenantDirectory } from '@xscaler/tenancy';
import { type Bootstrapped, bootstrapTenant } from './bootstrap.ts';
import { type Config, parseListenAddress } from './config.ts';
import { SelfMetrics } from './self-metrics.ts';

export interface AllInOne {
  readonly modules: Module[];
  /** Where it listens and what the first start created; known once everything is started. */
  readonly greeting: () => { url: string; bootstrapped: Bootstrapped };
}

type Ports = Record<string, MessagePort>;

/**
 * The process graph of `xscaler all`, one thread a row. Arrows are message channels:
 *
 *     main (gateway) ─▶ distributor ─▶ write-log ◀─ ingester ─▶ database
 *           └────────▶ querier ─▶ ingester, write-log, database
 */
export function allInOne(config: Config, logger: Logger, notReady: () => string | undefined): AllInOne {
  const registry = createRegistry('gateway', { defaultMetrics: true });
  const threads: Thread[] = [];
  const ends = channels();
  const distributor = connect<Upstream>(ends.main.distributor);
  const querier = connect<Upstream>(ends.main.querier);
  const db: Database = connectDatabase(ends.main.database);
  const directory = new TenantDirectory({ db, defaults: config.limits });
  const collect = (): Promise<CollectedMetrics> => collectThreads([registrySource(registry), ...threads]);
  let lock: DataDirLock | undefined;
  let server: HttpServer | undefined;
  let bootstrapped: Bootstrapped | undefined;
  let selfMetrics: SelfMetrics | undefined;

  const thread = (name: string, threadConfig: unknown, ports: Ports, needs: string[]): Module => {
    let running: Thread | undefined;
    return {
      name,
      needs,
      start: async () => {
        const url = new URL(`./threads/${name}.ts`, import.meta.url);
        running = await startThread({ url, name, config: threadConfig, ports });
        threads.push(running);
      },
      stop: async () => running?.stop(),
    };
  };

  const modules: Module[] = [
    {
      name: 'data-dir',
      start: async () => {
        lock = lockDataDir(config.data_dir);
      },
      stop: async () => lock?.release(),
    },
    thread('database', { path: join(config.data_dir, 'database.sqlite') }, ends.database, ['data-dir']),
    thread(
      'write-log',
      { path: join(config.data_dir, 'write-log.sqlite'), partitionCount: config.write_log.partitions },
      ends.writeLog,
      ['data-dir'],
    ),
    thread('distributor', config, ends.distributor, ['database', 'write-log']),
    thread('ingester', config, ends.ingester, ['database', 'write-log']),
    thread('querier', config, ends.querier, ['database', 'write-log', 'ingester']),
    {
      name: 'tenants',
      needs: ['database'],
      start: async () => {
        bootstrapped = await bootstrapTenant(db, config.bootstrap_tenant, config.bootstrap_token);
        await directory.start();
      },
      stop: async () => directory.stop(),
    },
    {
      name: 'self-metrics',
      needs: ['distributor', 'tenants', 'querier'],
      start: async () => {
        const { tenant } = bootstrapped as Bootstrapped;
        const intervalMs = config.self_metrics.interval;
        const instance = config.listen;
        selfMetrics = new SelfMetrics({
          collect,
          distributor,
          tenant,
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
        const app = createGateway({
          authenticator: directory,
          distributor,
          querier,
          metrics: collect,
          notReady,
          limits: {
            maxInFlightBytes: config.gateway.max_inflight_bytes,
            maxTenantInFlightBytes: config.gateway.max_inflight_bytes,
            maxInFlightRequests: config.gateway.max_inflight_requests,
            readTimeoutMs: config.querier.timeout + 10_000,
          },
          clock: () => performance.now(),
          logger,
          registry,
        });
        const limits = { maxConnections: config.gateway.max_connections };
        server = await listenHttp(app, { ...parseListenAddress(config.listen), limits });
      },
      stop: async () => server?.close(),
    },
  ];
  const greeting = () => ({ url: (server as HttpServer).url, bootstrapped: bootstrapped as Bootstrapped });
  return { modules, greeting };
}

/** Both ends of every channel between threads, grouped by the thread that gets them. */
function channels(): Record<
  'main' | 'database' | 'writeLog' | 'distributor' | 'ingester' | 'querier',
  Ports
> {
  const ends = { main: {}, database: {}, writeLog: {}, distributor: {}, ingester: {}, querier: {} } as Record<
    'main' | 'database' | 'writeLog' | 'distributor' | 'ingester' | 'querier',
    Ports
  >;
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
  for (const client of ['distributor', 'ingester', 'querier'] as const)
    join(client, 'log', 'writeLog', client);
  for (const client of ['main', 'distributor', 'ingester', 'querier'] as const) {
    join(client, 'database', 'database', client);
  }
  join('querier', 'ingester', 'ingester', 'querier');
  join('main', 'distributor', 'distributor', 'gateway');
  join('main', 'querier', 'querier', 'gateway');
  return ends;
}
