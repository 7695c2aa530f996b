import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ConfigError, loadConfig } from '@xscaler/runtime/config';
import { configSchema } from './config.ts';
import { warningsOfSecretFiles, withSecretsFromFiles } from './secret-files.ts';

function fileWith(t: TestContext, text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'secret-files-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'secret');
  writeFileSync(path, text);
  return path;
}

function load(env: Record<string, string>) {
  return withSecretsFromFiles(loadConfig(configSchema, { argv: [], env }));
}

test('every secret may come from a file, with or without a newline at its end', (t) => {
  for (const text of ['s3cret', 's3cret\n', 's3cret\r\n']) {
    const path = fileWith(t, text);
    const { bootstrap_token, cluster, database } = load({
      XSCALER_BOOTSTRAP_TOKEN_FILE: path,
      XSCALER_CLUSTER_REDIS_URL_FILE: path,
      XSCALER_CLUSTER_SECRET_FILE: path,
      XSCALER_DATABASE_URL_FILE: path,
    });
    for (const value of [bootstrap_token, cluster.redis_url, cluster.secret, database.url])
      assert.equal(value, 's3cret');
  }
});

test('a secret given twice, an empty file and one that is not there are refused by name, and nothing of them is shown', (t) => {
  const path = fileWith(t, 'hidden');
  const both = { XSCALER_CLUSTER_SECRET: 'open', XSCALER_CLUSTER_SECRET_FILE: path };
  const cases: [Record<string, string>, RegExp][] = [
    [both, /^cluster\.secret_file: cluster\.secret is given as well$/],
    [{ XSCALER_DATABASE_URL_FILE: fileWith(t, '\n') }, /^database\.url_file: the file is empty$/],
    [{ XSCALER_CLUSTER_REDIS_URL_FILE: '/nowhere' }, /^cluster\.redis_url_file: cannot be read: ENOENT$/],
  ];
  for (const [env, message] of cases) {
    assert.throws(
      () => load(env),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        assert.doesNotMatch(error.message, /hidden|open\b/);
        return true;
      },
    );
  }
});

test('a file with a secret or a key that everybody may read gives a warning that names it and not its content', (t) => {
  const [open, closed] = [fileWith(t, 'hidden'), fileWith(t, 'hidden')];
  chmodSync(open, 0o644);
  chmodSync(closed, 0o640);
  const warnings = (env: Record<string, string>) =>
    warningsOfSecretFiles(loadConfig(configSchema, { argv: [], env })).map(
      ({ text, mend }) => `${text}: ${mend}`,
    );
  const variables = [
    'BOOTSTRAP_TOKEN_FILE',
    'CLUSTER_SECRET_FILE',
    'CLUSTER_REDIS_URL_FILE',
    'CLUSTER_REDIS_PASSWORD_FILE',
    'CLUSTER_REDIS_TLS_KEY_FILE',
    'DATABASE_URL_FILE',
    'DATABASE_PASSWORD_FILE',
    'GATEWAY_TLS_KEY_FILE',
    'WRITE_LOG_SASL_PASSWORD_FILE',
    'WRITE_LOG_SASL_TOKEN_FILE',
    'WRITE_LOG_TLS_KEY_FILE',
  ];
  for (const variable of variables) {
    const [warning, ...more] = warnings({ [`XSCALER_${variable}`]: open });
    assert.match(warning, new RegExp(`every user of this machine may read ${open}`));
    assert.match(warning, new RegExp(`^${variable.toLowerCase().replaceAll('_', '[._]')}: `));
    assert.doesNotMatch(warning, /hidden/);
    assert.deepEqual(more, []);
    assert.deepEqual(warnings({ [`XSCALER_${variable}`]: closed }), []);
    assert.deepEqual(warnings({ [`XSCALER_${variable}`]: '/nowhere' }), []);
  }
});
