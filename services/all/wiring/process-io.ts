import type { Cluster } from '@xscaler/cluster';
import { openRedisCluster } from '@xscaler/cluster/redis';
import { type Database, migrate, SqlLogIdentityStore } from '@xscaler/database';
import { openPostgresDatabase } from '@xscaler/database/postgres';
import type { Logger, Module } from '@xscaler/runtime';
import { PlacementStore } from '@xscaler/tenancy';
import { type WriteLog, WriteLogError } from '@xscaler/writelog';
import { type KafkaLog, type KafkaWriteLogOptions, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import type { Config } from '../configuration/config.ts';
import {
  kafkaLogOf,
  postgresAccessOf,
  redisAccessOf,
  required,
  sendsKafkaSecretsInPlainText,
} from '../network/outside-access.ts';
import { AnswerWatch } from '../status/answer-watch.ts';
import { OpeningWriteLog } from './opening-write-log.ts';
import { untilDatabase } from './until-database.ts';

/** How long one try to open the write log may take. */
const OPEN_LOG_MS = 5_000;

/** What the services of a cluster share, opened by the modules of the process that uses them. */
export interface ProcessIo {
  readonly database: Module;
  readonly log: Module;
  readonly redis: Module;
  /** Usable once their modules are started. */
  readonly db: () => Database;
  readonly writeLog: () => WriteLog;
  /** The log itself; undefined if it isn't open yet. */
  readonly kafkaLog: () => KafkaLog | undefined;
  readonly cluster: () => Cluster;
  /** Does what a start needs of the database, once the database does it; says meanwhile what it waits for. */
  readonly untilDatabase: <T>(attempt: () => Promise<T>, signal: AbortSignal) => Promise<T>;
  /** Why Redis does not answer; undefined if it does. */
  readonly redisAway: () => string | undefined;
}

/**
 * PostgreSQL, Kafka and Redis as the configuration names them. A start waits for PostgreSQL as long as it takes; Kafka and Redis
 * are tried again in the background. Each module says from second to second whether its server answers; `warnsOnly` makes
 * that a warning in a process that can do its work without. @throws Error naming the setting that is missing
 *
 * A topic that is missing is created for a new installation alone. `mayReplaceLog` decides for one that has blocks: it rejects with
 * the reason if the topic must not be created; absent: it must not.
 */
export function processIo(
  target: string,
  config: Config,
  logger: Logger,
  mayReplaceLog?: () => Promise<void>,
): ProcessIo {
  let db: Database | undefined;
  let databaseReason: string | undefined;
  let writeLog: OpeningWriteLog<KafkaLog> | undefined;
  let cluster: Cluster | undefined;
  const waitsFor = (reason: string | undefined) => {
    databaseReason = reason;
  };
  const patiently: ProcessIo['untilDatabase'] = (attempt, signal) =>
    untilDatabase(attempt, { waitsFor, logger, signal });
  const databaseWatch = new AnswerWatch('PostgreSQL', async () => db?.query('SELECT 1'));
  const logWatch = new AnswerWatch('the write log', () => askNextPartition());
  let asked = 0;
  const askNextPartition = async () => {
    const log = writeLog?.opened;
    if (log !== undefined) await log.endOffset(asked++ % log.partitionCount);
  };
  let redisAway: string | undefined;
  return {
    untilDatabase: patiently,
    db: () => db as Database,
    writeLog: () => writeLog as WriteLog,
    kafkaLog: () => writeLog?.opened,
    cluster: () => cluster as Cluster,
    redisAway: () => redisAway,
    database: {
      name: 'database',
      start: async (signal) => {
        db = openPostgresDatabase({
          ...postgresAccessOf(config, target),
          maxConnections: config.database.max_connections,
          onConnectionLost: (reason) => logger.warn({ reason }, 'a connection to PostgreSQL was lost'),
        });
        const opened = db;
        await patiently(() => migrate(opened), signal);
        databaseWatch.start();
      },
      notReady: () => databaseReason ?? databaseWatch.reason,
      stop: async () => {
        databaseWatch.stop();
        await db?.close();
      },
    },
    log: {
      name: 'write-log',
      needs: ['database'],
      start: async (signal) => {
        const { partitions } = config.write_log;
        const options = kafkaLogOf(config, target);
        if (sendsKafkaSecretsInPlainText(config.write_log))
          logger.warn(
            {},
            'the Kafka password or token is sent in plain text: write_log.tls.enabled is false',
          );
        // What the database says counts in every service, whatever this one was told: `partitions` is for the first of all.
        const placement = new PlacementStore(db as Database);
        const partitionCount = await patiently(() => placement.ensurePartitionCount(partitions), signal);
        const open = () =>
          openKnownLog(db as Database, mayReplaceLog, {
            ...options,
            partitionCount,
            openTimeoutMs: OPEN_LOG_MS,
            warn: (reason) => logger.warn({ reason }, 'Kafka failed; trying again'),
          });
        writeLog = new OpeningWriteLog({
          partitionCount,
          open,
          onAway: ({ message }) => logger.warn({ reason: message }, 'Kafka is unreachable; waiting for it'),
          onFault: (error) => logger.error({ err: error }, 'the write log does not match the settings'),
        });
        await writeLog.start();
        logWatch.start();
      },
      stop: async () => {
        logWatch.stop();
        await writeLog?.close();
      },
      notReady: () => (writeLog === undefined ? databaseReason : (writeLog.reason ?? logWatch.reason)),
    },
    redis: {
      name: 'redis',
      start: async () => {
        cluster = openRedisCluster({
          ...redisAccessOf(config.cluster),
          url: required('cluster.redis_url', config.cluster.redis_url),
          onAway: (reason) => {
            redisAway = reason;
            if (reason === undefined) logger.info({}, 'Redis is back');
            else logger.warn({ reason }, 'Redis is unreachable');
          },
        });
      },
      stop: async () => cluster?.close(),
      notReady: () => (cluster?.isAway ? 'Redis is unreachable' : undefined),
    },
  };
}

/** Rejects with `WriteLogError` if the log cannot be opened now, and with anything else if it never can. */
async function openKnownLog(
  db: Database,
  mayReplaceLog: (() => Promise<void>) | undefined,
  options: Omit<KafkaWriteLogOptions, 'mayCreate'>,
): Promise<KafkaLog> {
  const { registered } = await new SqlLogIdentityStore(db).known().catch((cause) => {
    throw new WriteLogError('unavailable', `the database: ${cause.message}`, { cause });
  });
  try {
    return await openKafkaWriteLog({ ...options, mayCreate: registered === undefined });
  } catch (error) {
    if (!(error instanceof WriteLogError) || error.code !== 'log_missing') throw error;
    if (mayReplaceLog === undefined) {
      const hint =
        'blocks were created from it: `xscaler log accept-loss` gives up records that were only in it, and creates another';
      throw new WriteLogError('log_missing', `${error.message}, and ${hint}`, { cause: error });
    }
    await mayReplaceLog();
    return openKafkaWriteLog({ ...options, mayCreate: true });
  }
}
