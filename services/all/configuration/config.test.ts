import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, loadConfig } from '@xscaler/runtime/config';
import { checkAlone } from '../processes/all.ts';
import { configSchema, parseListenAddress } from './config.ts';

function load(env: Record<string, string> = {}, argv: string[] = []) {
  return loadConfig(configSchema, { argv, env });
}

test('without a word everything has a default, and those of the contract are what it says', () => {
  const config = load();
  assert.equal(config.listen, '127.0.0.1:9009');
  assert.equal(config.data_dir, './data');
  assert.equal(config.bootstrap_tenant, 'demo');
  const { limits } = config;
  assert.equal(limits.max_label_names_per_series, 30);
  assert.equal(limits.max_label_name_length, 1_024);
  assert.equal(limits.max_label_value_length, 2_048);
  assert.equal(limits.max_metric_name_length, 1_024);
  assert.equal(limits.max_samples_per_request, 10_000);
  assert.equal(limits.max_global_series_per_user, 0, 'the embedded tenant has no series limit');
  assert.equal(limits.ingestion_rate, 0, 'nor a rate limit');
  assert.equal(limits.out_of_order_time_window, 2 * 3_600_000);
  assert.equal(limits.creation_grace_period, 600_000);
});

test('a flag goes before a variable', () => {
  const env = { XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: '3h', XSCALER_LISTEN: '127.0.0.1:1' };
  const config = load(env, ['--limits.out-of-order-time-window=4h']);
  assert.equal(config.limits.out_of_order_time_window, 4 * 3_600_000);
  assert.equal(config.listen, '127.0.0.1:1');
});

test('a head window that no head could hold is refused before it gets into the log', () => {
  for (const window of ['0', '999ms', '25d', '30d']) {
    assert.throws(() => load({ XSCALER_INGESTER_HEAD_WINDOW: window }), ConfigError, window);
  }
  assert.equal(load({ XSCALER_INGESTER_HEAD_WINDOW: '1s' }).ingester.head_window, 1_000);
});

test('an unknown variable is refused by name', () => {
  assert.throws(() => load({ XSCALER_LISTN: 'x' }), /XSCALER_LISTN/);
});

test('listen addresses are host:port, IPv6 in brackets', () => {
  assert.deepEqual(parseListenAddress('127.0.0.1:9009'), { host: '127.0.0.1', port: 9_009 });
  assert.deepEqual(parseListenAddress('[::1]:80'), { host: '::1', port: 80 });
  assert.deepEqual(parseListenAddress(':9009'), { host: '0.0.0.0', port: 9_009 });
  for (const bad of ['9009', 'localhost', 'a:70000', 'a:b'])
    assert.throws(() => parseListenAddress(bad), bad);
});

test('everything in one process refuses what only a cluster has, by name', () => {
  assert.doesNotThrow(() => checkAlone(load()));
  const variables = {
    XSCALER_WRITE_LOG_BROKERS: 'kafka:9092',
    XSCALER_DATABASE_URL: 'postgres://hidden@host/db',
    XSCALER_DATABASE_URL_FILE: '/x',
    XSCALER_CLUSTER_REDIS_URL: 'redis://hidden@host',
    XSCALER_CLUSTER_REDIS_URL_FILE: '/x',
    XSCALER_GATEWAY_DISTRIBUTORS: 'a:1',
    XSCALER_GATEWAY_QUERIERS: 'a:1',
  };
  for (const [variable, value] of Object.entries(variables)) {
    const name = new RegExp(variable.slice('XSCALER_'.length).replaceAll('_', '[._]'), 'i');
    assert.throws(
      () => checkAlone(load({ [variable]: value })),
      (error: Error) =>
        error instanceof ConfigError && name.test(error.message) && !/hidden/.test(error.message),
      variable,
    );
  }
});
