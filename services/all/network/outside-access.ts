import { hostname } from 'node:os';
import type { RedisOptions } from '@xscaler/cluster/redis';
import type { TlsFiles } from '@xscaler/tls';
import { KafkaAccess, type KafkaSaslOptions, type KafkaWriteLogOptions } from '@xscaler/writelog/kafka';
import type { Config } from '../configuration/config.ts';

/** TLS and SASL to Kafka. @throws Error naming the setting that is missing, cannot be used or contradicts another */
export function kafkaAccessOf({ tls: { enabled, ...files }, sasl }: Config['write_log']): KafkaAccess {
  const tls = tlsFilesOf(files);
  if (!enabled) refuseFiles(tls, 'write_log.tls', 'write_log.tls.enabled is false');
  const { mechanism, ...credentials } = sasl;
  if (mechanism === '' && Object.values(credentials).some((value) => value !== ''))
    throw new Error('write_log.sasl is set, but write_log.sasl.mechanism is not');
  return new KafkaAccess({
    ...(enabled && { tls }),
    ...(mechanism !== '' && { sasl: saslOf({ ...credentials, mechanism }) }),
  });
}

type SaslSettings = Omit<Config['write_log']['sasl'], 'mechanism'> & Pick<KafkaSaslOptions, 'mechanism'>;

function saslOf(sasl: SaslSettings): KafkaSaslOptions {
  if (sasl.password !== '' && sasl.password_file !== '')
    throw new Error('write_log.sasl.password_file: write_log.sasl.password is given as well');
  return {
    mechanism: sasl.mechanism,
    ...(sasl.username !== '' && { username: sasl.username }),
    ...(sasl.password !== '' && { password: sasl.password }),
    ...(sasl.password_file !== '' && { passwordFile: sasl.password_file }),
    ...(sasl.token_file !== '' && { tokenFile: sasl.token_file }),
  };
}

/** Whether passwords or tokens travel to Kafka in plain text, readable on the way. */
export function sendsKafkaSecretsInPlainText({ tls, sasl }: Config['write_log']): boolean {
  return !tls.enabled && (sasl.mechanism === 'plain' || sasl.mechanism === 'oauthbearer');
}

/** Password and TLS to Redis. @throws Error naming the setting that contradicts another */
export function redisAccessOf(cluster: Config['cluster']): RedisOptions {
  const tlsFiles = tlsFilesOf(cluster.redis_tls);
  const { redis_url: url, redis_password_file: passwordFile } = cluster;
  if (!url.startsWith('rediss:'))
    refuseFiles(tlsFiles, 'cluster.redis_tls', 'cluster.redis_url does not begin with rediss:');
  return { url, tlsFiles, ...(passwordFile !== '' && { passwordFile }) };
}

/** An operator who names certificates takes the connection for encrypted. */
function refuseFiles(files: TlsFiles, section: string, because: string): void {
  if (Object.keys(files).length > 0) throw new Error(`${section} is set, but ${because}`);
}

function tlsFilesOf(files: Config['cluster']['redis_tls']): TlsFiles {
  return {
    ...(files.ca_file !== '' && { caFile: files.ca_file }),
    ...(files.cert_file !== '' && { certFile: files.cert_file }),
    ...(files.key_file !== '' && { keyFile: files.key_file }),
    ...(files.server_name !== '' && { serverName: files.server_name }),
  };
}

/** @throws Error naming the setting that is missing */
export function required(setting: string, value: string): string {
  if (value === '') throw new Error(`${setting} is not set`);
  return value;
}

/** What every process says to PostgreSQL. @throws Error naming the setting that is missing */
export function postgresAccessOf(config: Config, target: string) {
  const { url, password_file: passwordFile } = config.database;
  return {
    url: required('database.url', url),
    ...(passwordFile !== '' && { passwordFile }),
    applicationName: `xscaler-${target}`,
  };
}

/** The log in Kafka as the configuration names it. @throws Error naming the setting that is missing, or cannot be used */
export function kafkaLogOf(
  config: Config,
  target: string,
): Omit<KafkaWriteLogOptions, 'partitionCount' | 'mayCreate'> {
  const { brokers, topic, replication_factor: copies, retention } = config.write_log;
  if (brokers.length === 0) required('write_log.brokers', '');
  return {
    brokers,
    topic,
    access: kafkaAccessOf(config.write_log),
    clientId: `xscaler-${target}-${hostname()}-${process.pid}`,
    ...(copies > 0 && { replicationFactor: copies }),
    retentionMs: retention,
  };
}
