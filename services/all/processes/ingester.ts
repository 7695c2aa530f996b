import { randomUUID } from 'node:crypto';
import { Heartbeat } from '@xscaler/cluster';
import { serveDatabase } from '@xscaler/database';
import { connect, type IngesterApi } from '@xscaler/rpc';
import { type GrpcIngesterServer, serveGrpcIngester } from '@xscaler/rpc/network';
import type { Logger, Module, Readiness } from '@xscaler/runtime';
import { PlacementStore } from '@xscaler/tenancy';
import { HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { serveWriteLog } from '@xscaler/writelog';
import { type Config, parseListenAddress } from '../configuration/config.ts';
import { opsServer } from '../network/ops-server.ts';
import { serviceTls } from '../network/service-network.ts';
import { warnsOnly } from '../status/status-watch.ts';
import { TwinWatch } from '../status/twin-watch.ts';
import { clusterSelfMetrics } from '../wiring/cluster-self-metrics.ts';
import { PartitionGrowth } from '../wiring/partition-growth.ts';
import { processClock } from '../wiring/process-clock.ts';
import { processIo } from '../wiring/process-io.ts';
import { ProcessParts } from '../wiring/process-parts.ts';
import { type IngesterStatusApi, partitionsWatch } from '../wiring/replay.ts';
import { channel } from './upstream-process.ts';

const HEARTBEAT_MS = 2_000;
/** How often the active series of tenants are counted, for the limits on them. */
const COUNT_MS = 5_000;
const COUNT_TIMEOUT_MS = 5_000;

/** Heads, as a process of its own: gRPC and Kafka in the main thread, the heads in the ingester's. */
export function ingesterProcess(config: Config, logger: Logger, readiness: Readiness): Module[] {
  const parts = new ProcessParts('ingester-main', logger);
  const io = processIo('ingester', config, logger);
  const tls = serviceTls(config, logger);
  const { zone, ordinal, secret, advertise } = config.cluster;
  const processTime = processClock(config, io, ['kafka', 'redis'], logger, parts.registry);
  const clock = channel();
  const database = channel();
  const log = channel();
  const querier = channel();
  const main = channel();
  const ports = {
    clock: clock.there,
    database: database.there,
    log: log.there,
    querier: querier.there,
    main: main.there,
  };
  const status = () => connectedStatus.status(undefined, new AbortController().signal);
  const connectedStatus = connect<IngesterStatusApi>(main.here);
  const instanceId = `ingester-${zone}-${ordinal}`;
  let server: GrpcIngesterServer | undefined;
  let isAnnounced = false;
  const run = { id: randomUUID(), startedMs: Date.now() };
  let beat = 0;
  const twins = new TwinWatch({ zone, ordinal, run, logger, now: () => performance.now() });

  const announce = async () => {
    const partitions = new Map(
      Object.entries(await status()).map(([partition, { state, nextOffset }]) => [
        Number(partition),
        { state: state === 'loading' ? ('replaying' as const) : state, appliedOffset: nextOffset },
      ]),
    );
    const address = advertise === '' ? config.listen : advertise;
    const place = { instanceId, zone, ordinal, address };
    const { owners } = io.cluster();
    const isTold = await owners.announce({
      ...place,
      run: { ...run, beat: ++beat },
      recordVersion: HIGHEST_RECORD_VERSION,
      partitions,
    });
    isAnnounced ||= isTold;
    twins.look(await owners.runs(instanceId));
  };
  const heartbeat = new Heartbeat(announce, HEARTBEAT_MS, (error) => {
    logger.warn({ err: error }, 'this ingester could not announce itself');
  });

  const counts = new Heartbeat(
    async () => {
      const counted = await connectedStatus.activeSeries(undefined, AbortSignal.timeout(COUNT_TIMEOUT_MS));
      for (const { partition, byTenant } of counted) {
        await io.cluster().seriesCounts.report({ instanceId, partition }, new Map(byTenant));
      }
    },
    COUNT_MS,
    (error) => logger.warn({ err: error }, 'active series could not be counted'),
  );

  const growth = new PartitionGrowth({
    cluster: config.cluster,
    known: async (signal) => {
      const placement = new PlacementStore(io.db());
      const counts = await io.untilDatabase(() => placement.partitionCounts(), signal);
      return Math.max(...counts.map(({ partitionCount }) => partitionCount));
    },
    count: async () => (await io.kafkaLog()?.countPartitions()) ?? 0,
    // However long its thread has something else to do: this process is of no use without its partitions.
    own: (partitions) => connectedStatus.own(partitions, new AbortController().signal),
    onFault: (error) => logger.warn({ err: error }, 'could not check for new partitions'),
  });

  return [
    opsServer({
      listen: config.ops_listen,
      metrics: parts.metrics,
      readiness,
      debug: async () => ({
        instanceId,
        run,
        zone,
        ordinal,
        twins: twins.twins,
        partitions: await connectedStatus.inspect(undefined, AbortSignal.timeout(5_000)),
      }),
    }),
    warnsOnly(io.database),
    warnsOnly(io.log),
    warnsOnly(io.redis),
    processTime.module,
    {
      name: 'ports',
      needs: ['database', 'write-log', 'clock'],
      start: async () => {
        processTime.serve(clock.here);
        serveDatabase(io.db(), database.here);
        serveWriteLog(io.writeLog(), log.here);
      },
    },
    parts.thread('ingester', { ...config, embedded: false }, ports, ['ports']),
    {
      name: 'growth',
      needs: ['ingester'],
      start: (signal) => growth.start(signal),
      stop: () => growth.stop(),
    },
    partitionsWatch(['growth'], status),
    {
      name: 'internal-grpc',
      needs: ['ingester'],
      start: async () => {
        const api = connect<IngesterApi>(querier.here, { streams: { select: true } });
        const address = parseListenAddress(config.listen);
        server = await serveGrpcIngester(api, {
          ...address,
          ...(secret !== '' && { secret }),
          ...(tls !== undefined && { tls }),
        });
      },
      stop: async () => server?.close(),
    },
    {
      name: 'series-counts',
      needs: ['ingester', 'redis'],
      start: () => counts.start(),
      stop: () => counts.stop(),
    },
    {
      name: 'announcement',
      needs: ['internal-grpc', 'redis'],
      start: () => heartbeat.start(),
      stop: async () => {
        await heartbeat.stop();
        await io.cluster().owners.leave(instanceId, run.id);
      },
      // Later Redis may be unreachable: queriers know their owners then.
      notReady: () => (isAnnounced ? twins.notReady() : notAnnounced(io.redisAway())),
      warning: () => twins.warning(),
    },
    clusterSelfMetrics(config, parts, io, tls, logger),
  ];
}

function notAnnounced(reason: string | undefined): string {
  return `Redis has never answered, so queriers do not know this ingester${reason === undefined ? '' : `: ${reason}`}`;
}
