import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import {
  ConfigError,
  type ConfigSources,
  configFilePath,
  helpText,
  loadConfig,
  printConfig,
  secret,
} from './config.ts';

const duration = (byDefault: string) =>
  z
    .union([z.string(), z.number()])
    .default(byDefault)
    .transform((text) => (typeof text === 'number' ? text : Number.parseInt(text, 10) * 3_600_000));

const schema = z.strictObject({
  listen: z.string().default('127.0.0.1:9009').describe('Address to listen on'),
  data_dir: z.string().default('./data'),
  bootstrap_token: secret(z.string().optional()).describe('Token of the first start'),
  log: z
    .strictObject({ level: z.enum(['debug', 'info']).default('info'), pretty: z.boolean().default(false) })
    .prefault({}),
  limits: z.strictObject({
    request_rate: z.coerce.number().int().nonnegative().default(0).describe('Requests a second'),
    out_of_order_time_window: duration('2h').describe('How long after its timestamp a sample is accepted'),
  }),
  cache: z.object({ servers: z.array(z.string()).default([]), password: secret(z.string()).default('') }),
  plans: z.record(z.string(), z.strictObject({ series: z.number() })).default({}),
});

function load(sources: Partial<ConfigSources>) {
  return loadConfig(schema, { argv: [], env: {}, ...sources });
}

function faultsOf(sources: Partial<ConfigSources>): string[] {
  try {
    load(sources);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.faults.map(({ where, problem }) => `${where}: ${problem}`);
  }
  throw new assert.AssertionError({ message: 'nothing was wrong with it' });
}

test('what nobody says has its default, through sections and transforms', () => {
  assert.deepEqual(load({}), {
    listen: '127.0.0.1:9009',
    data_dir: './data',
    log: { level: 'info', pretty: false },
    limits: { request_rate: 0, out_of_order_time_window: 7_200_000 },
    cache: { servers: [], password: '' },
    plans: {},
  });
});

test('one rule names a setting in file, environment and flags, and later ones yield to earlier', () => {
  const yaml = 'limits:\n  out_of_order_time_window: 3h\n  request_rate: 7\nlisten: 0.0.0.0:80\n';
  assert.equal(load({ yaml }).limits.out_of_order_time_window, 3 * 3_600_000);
  const env = { XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: '4h', XSCALER_LISTEN: 'b:1', PATH: '/bin' };
  assert.equal(load({ yaml, env }).limits.out_of_order_time_window, 4 * 3_600_000);
  const argv = ['--limits.out-of-order-time-window', '5h'];
  const config = load({ yaml, env, argv });
  assert.equal(config.limits.out_of_order_time_window, 5 * 3_600_000);
  assert.equal(config.listen, 'b:1');
  assert.equal(config.limits.request_rate, 7);
});

test('texts become what their settings are', () => {
  const config = load({
    argv: ['--log.pretty', '--limits.request-rate=12', '--cache.servers=a:1, b:2', '--data-dir=x=y'],
    env: { XSCALER_PLANS: '{free: {series: 10000}}', XSCALER_BOOTSTRAP_TOKEN: 'xag_1' },
  });
  assert.equal(config.log.pretty, true);
  assert.equal(config.limits.request_rate, 12);
  assert.deepEqual(config.cache.servers, ['a:1', 'b:2']);
  assert.equal(config.data_dir, 'x=y');
  assert.deepEqual(config.plans, { free: { series: 10000 } });
  assert.equal(config.bootstrap_token, 'xag_1');
});

test('every unknown key is named, wherever it was written', () => {
  const faults = faultsOf({
    yaml: 'lisen: a\nlimits:\n  request_rat: 1\nlog: loud\n',
    env: { XSCALER_LISEN: 'a' },
    argv: ['--limits.request_rate=1', '--lisen=a', 'stray'],
  });
  assert.deepEqual(faults.sort(), [
    '--limits.request_rate: unknown flag',
    '--lisen: unknown flag',
    'XSCALER_LISEN: unknown variable',
    'limits.request_rat: unknown key',
    'lisen: unknown key',
    'log: must be a section of keys',
    'stray: not a flag',
  ]);
});

test('a bad value is told by the name under which it was written, without the value', () => {
  const where = (sources: Partial<ConfigSources>) => faultsOf(sources).map((fault) => fault.split(':')[0]);
  assert.deepEqual(where({ env: { XSCALER_LOG_LEVEL: 'loud' } }), ['XSCALER_LOG_LEVEL']);
  assert.deepEqual(where({ argv: ['--limits.request-rate=-1'] }), ['--limits.request-rate']);
  assert.deepEqual(where({ yaml: 'limits: {request_rate: 1.5}' }), ['limits.request_rate']);
  assert.deepEqual(where({ yaml: 'plans: {free: {serie: 1}}' }).slice(0, 1), ['plans (free.series)']);
  assert.deepEqual(faultsOf({ env: { XSCALER_LIMITS_REQUEST_RATE: '' } }), [
    'XSCALER_LIMITS_REQUEST_RATE: must be a number',
  ]);
  assert.deepEqual(faultsOf({ argv: ['--log.pretty=maybe'] }), ['--log.pretty: must be true or false']);
  assert.deepEqual(faultsOf({ argv: ['--listen'] }), ['--listen: needs a value']);
  assert.deepEqual(where({ yaml: 'a: [' }), ['configuration file']);
  assert.deepEqual(where({ yaml: '- a' }), ['configuration file']);
});

test('an empty file, section or key says nothing', () => {
  for (const yaml of ['', '# nothing\n', 'limits:\n', 'limits:\n  request_rate:\n']) {
    assert.deepEqual(load({ yaml }), load({}));
  }
});

test('the file is found by flag, then by environment', () => {
  const env = { XSCALER_CONFIG_FILE: 'env.yaml' };
  assert.equal(configFilePath({ argv: [], env: {} }), undefined);
  assert.equal(configFilePath({ argv: [], env }), 'env.yaml');
  assert.equal(configFilePath({ argv: ['--listen=a', '--config.file', 'flag.yaml'], env }), 'flag.yaml');
  assert.deepEqual(load({ argv: ['--config.file=x'], env }), load({}));
});

test('a printed configuration masks its secrets and loads to itself', () => {
  const config = load({
    env: { XSCALER_CACHE_PASSWORD: 'hunter2', XSCALER_BOOTSTRAP_TOKEN: 'xag_secret', XSCALER_LISTEN: 'a:1' },
  });
  const text = printConfig(schema, config);
  assert.doesNotMatch(text, /hunter2|xag_/);
  assert.equal(parse(text).cache.password, '********');
  const again = load({ yaml: text });
  assert.deepEqual(
    { ...again, cache: undefined, bootstrap_token: undefined },
    { ...config, cache: undefined, bootstrap_token: undefined },
  );
});

test('the help names every setting three times and shows no secret', () => {
  const text = helpText(schema);
  assert.match(
    text,
    /--limits\.out-of-order-time-window\n {4}XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW\n {4}How long after its timestamp a sample is accepted \(default "2h"\)\n/,
  );
  assert.match(text, /--bootstrap-token\n {4}XSCALER_BOOTSTRAP_TOKEN\n {4}Token of the first start\n/);
  assert.match(text, /--config\.file/);
});

test('two settings that would share a name are a fault of the schema', () => {
  const clash = z.object({ a_b: z.string().default(''), a: z.object({ b: z.string().default('') }) });
  assert.throws(() => loadConfig(clash, { argv: [], env: {} }), /a_b and a\.b would both be XSCALER_A_B/);
});
