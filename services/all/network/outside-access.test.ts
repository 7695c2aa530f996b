import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig, printConfig } from '@xscaler/runtime/config';
import { configSchema } from '../configuration/config.ts';
import { kafkaAccessOf, redisAccessOf, sendsKafkaSecretsInPlainText } from './outside-access.ts';

const load = (settings: Record<string, string>) => {
  const argv = Object.entries(settings).map(([key, value]) => `--${key.replaceAll('_', '-')}=${value}`);
  return loadConfig(configSchema, { argv, env: {} });
};
const kafka = (settings: Record<string, string>) => kafkaAccessOf(load(settings).write_log);
const redis = (settings: Record<string, string>) => redisAccessOf(load(settings).cluster);

test('without a word Kafka is spoken to in plain text, by nobody in particular', () => {
  const { tls, sasl } = kafka({});
  assert.equal(tls, undefined);
  assert.equal(sasl, undefined);
});

test('TLS and SASL are what their settings say', () => {
  const scram = {
    'write_log.tls.enabled': 'true',
    'write_log.sasl.mechanism': 'scram-sha-512',
    'write_log.sasl.username': 'xscaler',
    'write_log.sasl.password': 's3cret',
  };
  const { tls, sasl } = kafka(scram);
  assert.ok(tls);
  assert.equal(sasl?.mechanism, 'SCRAM-SHA-512');
  assert.deepEqual(redis({ 'cluster.redis_url': 'rediss://h', 'cluster.redis_tls.server_name': 'r' }), {
    url: 'rediss://h',
    tlsFiles: { serverName: 'r' },
  });
});

test('settings that lack another, or contradict it, are refused by name', () => {
  const user = { 'write_log.sasl.mechanism': 'plain', 'write_log.sasl.username': 'xscaler' };
  const both = { 'write_log.sasl.password': 's3cret', 'write_log.sasl.password_file': '/x' };
  const cases: [Record<string, string>, RegExp][] = [
    [{ 'write_log.tls.ca_file': '/x' }, /^write_log\.tls is set, but write_log\.tls\.enabled is false$/],
    [{ 'write_log.sasl.mechanism': 'plain' }, /^write_log\.sasl\.username is not set$/],
    [user, /^write_log\.sasl\.password is not set$/],
    [{ ...user, ...both }, /^write_log\.sasl\.password_file: write_log\.sasl\.password is given as well$/],
    [{ 'write_log.sasl.mechanism': 'oauthbearer' }, /^write_log\.sasl\.token_file is not set$/],
    [
      { 'write_log.sasl.username': 'xscaler' },
      /^write_log\.sasl is set, but write_log\.sasl\.mechanism is not$/,
    ],
  ];
  for (const [settings, message] of cases) assert.throws(() => kafka(settings), { message });
  const certificates = { 'cluster.redis_url': 'redis://h', 'cluster.redis_tls.ca_file': '/x' };
  const plain = /^cluster\.redis_tls is set, but cluster\.redis_url does not begin with rediss:$/;
  assert.throws(() => redis(certificates), { message: plain });
  assert.throws(() => load({ 'write_log.sasl.mechanism': 'gssapi' }), /write-log\.sasl\.mechanism/);
});

test('a password that travels in plain text gives a warning; one by SCRAM never travels', () => {
  const sends = (mechanism: string, tls: string) =>
    sendsKafkaSecretsInPlainText(
      load({ 'write_log.sasl.mechanism': mechanism, 'write_log.tls.enabled': tls }).write_log,
    );
  assert.deepEqual([sends('plain', 'false'), sends('oauthbearer', 'false')], [true, true]);
  assert.deepEqual([sends('plain', 'true'), sends('scram-sha-256', 'false')], [false, false]);
});

test('no secret is printed with the configuration', () => {
  const config = load({
    bootstrap_token: 'hidden-1',
    'cluster.secret': 'hidden-2',
    'cluster.redis_url': 'rediss://user:hidden-3@h',
    'database.url': 'postgres://user:hidden-4@h/db?sslmode=verify-full',
    'write_log.sasl.password': 'hidden-5',
  });
  assert.doesNotMatch(printConfig(configSchema, config), /hidden/);
});
