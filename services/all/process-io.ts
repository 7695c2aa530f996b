import { hostname } from 'node:os';
import type { Cluster } from '@xscaler/cluster';
import { openRedisCluster } from '@xscaler/cluster/redis';
import { type Database, migrate } from '@xscaler/database';
import { openPostgresDatabase } from '@xscaler/database/postgres';
import type { Logger, Module } from '@xscaler/runtime';
import type { WriteLog } from '@xscaler/writelog';
import { openKafkaWriteLog } from '@xscaler/writelog/kafka';
import type { Config } from './config.ts';

/** What the services of a cluster share, opened by the modules of the process that uses them. */
export interface ProcessIo {
  readonly database: Module;
  readonly log: Module;
  readonly redis: Module;
  /** Usable once their modules are started. */
  readonly db: () => Database;
  readonly writeLog: () => WriteLog;
  readonly cluster: () => Cluster;
}

/** PostgreSQL, Kafka and Redis as the configuration names them. @throws Error naming the setting that is missing */
export function processIo(target: string, config: Config, logger: Logger): ProcessIo {
  let db: Database | undefined;
  let writeLog: WriteLog | undefined;
  let cluster: Cluster | undefined;
  return {
    db: () => db as Database,
    writeLog: () => writeLog as WriteLog,
    cluster: () => cluster as Cluster,
    database: {
      name: 'database',
      start: async () => {
        const { url, password_file: passwordFile, max_connections: maxConnections } = config.database;
        db = openPostgresDatabase({
          url: required('database.url', url),
          ...(passwordFile !== '' && { passwordFile }),
          maxConnections,
          applicationName: `xscaler-${target}`,
          onConnectionLost: (reason) => logger.warn({ reason }, 'a connection to PostgreSQL was lost'),
        });
        await migrate(db);
      },
      stop: async () => db?.close(),
    },
    log: {
      name: 'write-log',
      start: async () => {
        const { brokers, topic, partitions, replication_factor: copies, retention } = config.write_log;
        if (brokers.length === 0) required('write_log.brokers', '');
        writeLog = await openKafkaWriteLog({
          brokers,
          topic,
          partitionCount: partitions,
          clientId: `xscaler-${target}-${hostname()}-${process.pid}`,
          ...(copies > 0 && { replicationFactor: copies }),
          retentionMs: retention,
          warn: (message) => logger.warn({}, message),
        });
      },
      stop: async () => writeLog?.close(),
    },
    redis: {
      name: 'redis',
      start: async () => {
        cluster = openRedisCluster({
          url: required('cluster.redis_url', config.cluster.redis_url),
          onAway: (reason) => {
            if (reason === undefined) logger.info({}, 'Redis is back');
            else logger.warn({ reason }, 'Redis is away');
          },
        });
      },
      stop: async () => cluster?.close(),
    },
  };
}

function required(setting: string, value: string): string {
  if (value === '') throw new Error(`${setting} is not set`);
  return value;
}
