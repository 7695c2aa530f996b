import { type ClockWitness, type Cluster, MACHINE_CLOCK, readWitness } from '@xscaler/cluster';
import { openRedisCluster } from '@xscaler/cluster/redis';
import { type Database, databaseTimeMs } from '@xscaler/database';
import { openPostgresDatabase } from '@xscaler/database/postgres';
import { PlacementStore } from '@xscaler/tenancy';
import { type KafkaLog, openKafkaWriteLog } from '@xscaler/writelog/kafka';
import type { Config } from '../configuration/config.ts';
import { kafkaLogOf, postgresAccessOf, redisAccessOf } from '../network/outside-access.ts';
import { checkBlocks, checkPartition, checkSchema } from './data-folder.ts';
import { type Finding, fault, note, ok } from './finding.ts';

/** How long Kafka and Redis may each take to answer. */
const WITHIN_MS = 10_000;

/** Checks of what the services of a cluster share. Changes nothing, and makes no topic. */
export async function checkCluster(config: Config, signal: AbortSignal): Promise<Finding[]> {
  const findings = [secretOf(config)];
  await withClusterDatabase(config, async (db) => {
    findings.push(...(await told('PostgreSQL', () => checkDatabase(config, db, signal))));
    findings.push(...(await told('Kafka', () => checkLog(config, db))));
    findings.push(...(await told('Redis', () => checkRedis(config, db))));
  });
  return findings;
}

/** Runs `work` on the cluster's PostgreSQL, whose schema stays unchanged. */
export async function withClusterDatabase<T>(config: Config, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openPostgresDatabase({
    ...postgresAccessOf(config, 'doctor'),
    maxConnections: 2,
    onConnectionLost: () => {},
  });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

/** What a check found, or what kept it from finding anything. */
async function told(server: string, check: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await check();
  } catch (error) {
    return [fault(`${server}: ${(error as Error).message}`)];
  }
}

function secretOf({ cluster }: Config): Finding {
  if (cluster.secret !== '') return ok('cluster.secret is set');
  return fault('cluster.secret is not set: services trust every caller', 'openssl rand -hex 32');
}

async function checkDatabase(config: Config, db: Database, signal: AbortSignal): Promise<Finding[]> {
  const schema = await checkSchema(db, 'PostgreSQL');
  const clock = await checkClock(config, { name: 'PostgreSQL', read: () => databaseTimeMs(db) });
  return schema.level === 'ok' ? [schema, clock, ...(await checkBlocks(db, signal))] : [schema, clock];
}

/** The topic, and of every partition whether it is the log that blocks were created from. */
async function checkLog(config: Config, db: Database): Promise<Finding[]> {
  const counts = await new PlacementStore(db).partitionCounts();
  const partitionCount = Math.max(1, ...counts.map((row) => row.partitionCount));
  const log = await openKafkaWriteLog({
    ...kafkaLogOf(config, 'doctor'),
    partitionCount,
    mayCreate: false,
    openTimeoutMs: WITHIN_MS,
  });
  try {
    const findings = [ok(`topic ${config.write_log.topic} has the required settings`)];
    for (let partition = 0; partition < log.partitionCount; partition++)
      findings.push(await checkPartition(log, db, partition));
    findings.push(...(await checkBrokerClock(config, log)));
    return findings;
  } finally {
    await log.close();
  }
}

/** Brokers tell the time only to who may describe the cluster. */
async function checkBrokerClock(config: Config, log: KafkaLog): Promise<Finding[]> {
  try {
    return [await checkClock(config, { name: 'Kafka', read: () => log.brokerTimeMs() })];
  } catch (error) {
    return [note(`the clock of Kafka cannot be read: ${(error as Error).message}`)];
  }
}

async function checkRedis(config: Config, db: Database): Promise<Finding[]> {
  const cluster = openRedisCluster({ ...redisAccessOf(config.cluster), onAway: () => {} });
  try {
    const clock = await checkClock(config, { name: 'Redis', read: () => cluster.timeMs() });
    return [clock, ...(await checkOwners(cluster, db))];
  } finally {
    await cluster.close();
  }
}

/** A partition without a live owner is an error of every query that needs it; one with a single owner has no spare. */
async function checkOwners(cluster: Cluster, db: Database): Promise<Finding[]> {
  const counts = await new PlacementStore(db).partitionCounts();
  const { byPartition } = await cluster.owners.owners(0);
  const findings: Finding[] = [];
  for (let partition = 0; partition < (counts.at(-1)?.partitionCount ?? 0); partition++) {
    const live = (byPartition.get(partition) ?? []).filter(({ state }) => state === 'live');
    const names = live.map(({ instanceId }) => instanceId).join(', ');
    const zones = new Set(live.map(({ zone }) => zone)).size;
    if (live.length === 0) findings.push(fault(`partition ${partition}: no live ingester`));
    else if (zones < 2) findings.push(note(`partition ${partition}: only ${names} has it live, in one zone`));
    else findings.push(ok(`partition ${partition}: live at ${names}`));
  }
  return findings;
}

async function checkClock(config: Config, witness: ClockWitness): Promise<Finding> {
  const maxSkewMs = config.cluster.max_clock_skew;
  const { baseMs, uncertaintyMs } = await readWitness(witness, MACHINE_CLOCK);
  const aheadMs = MACHINE_CLOCK.wall() - MACHINE_CLOCK.monotonic() - baseMs;
  const text = `the local clock is ${(aheadMs / 1_000).toFixed(1)} s ahead of that of ${witness.name}`;
  if (Math.abs(aheadMs) - uncertaintyMs <= maxSkewMs) return ok(text);
  return fault(`${text}; cluster.max_clock_skew is ${maxSkewMs / 1_000} s`, 'timedatectl set-ntp true');
}
