import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { ClusterError } from '../cluster-error.ts';
import { driverOptionsOf } from './redis-options.ts';

test('a URL names host, port, user, password and database', () => {
  const { host, port, username, password, db } = driverOptionsOf({
    url: 'rediss://us%40er:p%2Fw@cache.example:6380/2',
  });
  assert.deepEqual(
    { host, port, username, password, db },
    { host: 'cache.example', port: 6380, username: 'us@er', password: 'p/w', db: 2 },
  );
});

test('what is absent has Redis’ defaults, what stands beside the URL goes before it', () => {
  const options = driverOptionsOf({ url: 'redis://[::1]/', password: 'new' });
  assert.deepEqual([options.host, options.port, options.db], ['::1', 6379, 0]);
  assert.equal(options.password, 'new');
  assert.equal(options.tls, undefined);
});

test('rediss: is TLS, and files that cannot be used are refused by their setting', () => {
  assert.ok(driverOptionsOf({ url: 'rediss://h' }).tls?.secureContext);
  assert.equal(driverOptionsOf({ url: 'redis://h' }).tls, undefined);
  assert.throws(() => driverOptionsOf({ url: 'rediss://h', tlsFiles: { caFile: '/nowhere' } }), {
    code: 'invalid',
    message: 'cluster.redis_tls.ca_file: /nowhere cannot be read: ENOENT',
  });
  assert.throws(() => driverOptionsOf({ url: 'rediss://h', tlsFiles: { certFile: '/nowhere' } }), {
    code: 'invalid',
    message: /cert_file and cluster\.redis_tls\.key_file must be set together/,
  });
});

test('a password may stand in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'password-'));
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, 'from the file\n');
  assert.equal(driverOptionsOf({ url: 'redis://:old@h', passwordFile }).password, 'from the file');
  rmSync(folder, { recursive: true });
});

test('a bad URL is refused without its password', () => {
  const urls = [
    'not a url s3cret',
    'http://:s3cret@h',
    'redis://:s3cret%zz@h',
    'redis://:s3cret@h/x',
    'redis://:s3cret@h/?a=b',
  ];
  for (const url of urls) {
    assert.throws(
      () => driverOptionsOf({ url }),
      (error) => {
        assert.ok(error instanceof ClusterError && error.code === 'invalid', url);
        assert.doesNotMatch(inspect(error, { depth: null }), /s3cret/);
        return true;
      },
    );
  }
  assert.throws(() => driverOptionsOf({}), { code: 'invalid' });
});
