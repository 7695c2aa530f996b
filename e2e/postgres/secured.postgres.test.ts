import assert from 'node:assert/strict';
import { copyFileSync, rmSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { inspect } from 'node:util';
import {
  migrate,
  SqlBlockStore,
  SqlCompactionStore,
  SqlDeletionStore,
  SqlOutageStore,
} from '@xscaler/database';
import {
  blockStoreContract,
  compactionStoreContract,
  databaseContract,
  deletionStoreContract,
  outageStoreContract,
} from '@xscaler/database/contracts';
import { openPostgresDatabase } from '@xscaler/database/postgres';
import { type IssuedCertificate, TestAuthority } from '@xscaler/testkit';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

const OTHER_ADDRESS = '127.0.0.2';

describe('a PostgreSQL that asks for TLS and client certificates', { skip: skipWithoutPostgres() }, () => {
  let authority: TestAuthority;
  let other: TestAuthority;
  let server: PostgresServer;
  before(async () => {
    authority = new TestAuthority();
    other = new TestAuthority('somebody else');
    server = await PostgresServer.startSecured(authority);
  });
  after(async () => {
    await server?.dispose();
    authority.dispose();
    other.dispose();
  });

  const openStores = async () => {
    const { db, dispose } = await openTestDatabase(server);
    await migrate(db);
    let nowMs = 0;
    const now = () => nowMs;
    return {
      store: new SqlBlockStore(db, now),
      compaction: new SqlCompactionStore(db, now),
      blocks: new SqlBlockStore(db, now),
      deletions: new SqlDeletionStore(db),
      outages: new SqlOutageStore(db),
      dispose,
      setTimeMs(ms: number) {
        nowMs = ms;
      },
    };
  };
  databaseContract('postgres, TLS', () => openTestDatabase(server));
  blockStoreContract('postgres, TLS', openStores);
  compactionStoreContract('postgres, TLS', openStores);
  deletionStoreContract('postgres, TLS', openStores);
  outageStoreContract('postgres, TLS', openStores);

  /** The server's address with other parameters, or without one if it is undefined. */
  const urlWith = (changes: Readonly<Record<string, string | undefined>>, host = '127.0.0.1'): string => {
    const url = new URL(server.url());
    url.hostname = host;
    for (const [name, value] of Object.entries(changes)) {
      if (value === undefined) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    return url.href;
  };
  const query = async (url: string, sql: string, password?: string) => {
    const db = openPostgresDatabase({ url, maxConnections: 1, ...(password !== undefined && { password }) });
    try {
      return (await db.query(sql))[0];
    } finally {
      await db.close();
    }
  };
  const sslOf = (url: string) =>
    query(url, 'SELECT ssl, version, client_dn FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
  const refusal = async (url: string, password?: string): Promise<string> => {
    let message = '';
    await assert.rejects(query(url, 'SELECT 1', password), (error: Error & { code?: string }) => {
      const text = inspect(error, { depth: null, showHidden: true });
      assert.equal(error.code, 'unavailable', text);
      assert.ok(!text.includes(server.password), 'the password is in the error');
      assert.doesNotMatch(text, /s3cret|PRIVATE KEY/);
      message = error.message;
      return true;
    });
    return message;
  };
  const certificate = ({ certFile, keyFile }: IssuedCertificate) => ({ sslcert: certFile, sslkey: keyFile });

  test('require, verify-ca and verify-full connect, encrypted and with our certificate', async () => {
    for (const sslmode of ['require', 'verify-ca', 'verify-full']) {
      const { ssl, version, client_dn } = await sslOf(urlWith({ sslmode }));
      assert.deepEqual([ssl, client_dn], [1, '/CN=xscaler'], sslmode);
      assert.match(String(version), /^TLSv1\.[23]$/);
    }
    await sslOf(urlWith({}, 'localhost'));
    await sslOf(urlWith({ channel_binding: 'disable' }));
  });

  test('who signed the server’s certificate: require does not ask, unless it is given an authority', async () => {
    const sslrootcert = other.caFile;
    await sslOf(urlWith({ sslmode: 'require', sslrootcert: undefined }));
    const nobody = /its certificate is not signed by an authority in sslrootcert of database\.url/;
    for (const sslmode of ['require', 'verify-ca', 'verify-full'])
      assert.match(await refusal(urlWith({ sslmode, sslrootcert })), nobody, sslmode);
    const unknown = await refusal(urlWith({ sslrootcert: 'system' }));
    assert.match(
      unknown,
      /not signed by an authority that Node trusts, and sslrootcert of database\.url is not set/,
    );
  });

  test('for whom it is: only verify-full asks', async () => {
    // Another address of the loopback, which its certificate does not hold.
    await sslOf(urlWith({ sslmode: 'require' }, OTHER_ADDRESS));
    await sslOf(urlWith({ sslmode: 'verify-ca' }, OTHER_ADDRESS));
    assert.match(
      await refusal(urlWith({}, OTHER_ADDRESS)),
      /for another host name \(IP: 127\.0\.0\.2 is not in/,
    );
  });

  test('a wrong password, no certificate, a stranger’s or another user’s are told apart', async () => {
    const wrong = await refusal(urlWith({}), 'wr0ng-s3cret');
    const settings =
      /refuses us \(user, password and sslcert of database\.url, database\.password_file\): password/;
    assert.match(wrong, settings);
    const none = await refusal(urlWith({ sslcert: undefined, sslkey: undefined }));
    assert.match(none, /refuses us \(sslcert and sslkey of database\.url\): .*client certificate/);
    const stranger = await refusal(urlWith(certificate(other.issue({ commonName: 'xscaler' }))));
    assert.match(stranger, /it rejects the client certificate of sslcert of database\.url/);
    const another = await refusal(urlWith(certificate(authority.issue({ commonName: 'somebody' }))));
    assert.match(another, settings);
  });

  test('a client in plain text is told which setting is missing, and so is TLS to a server without it', async (t) => {
    const plain = await refusal(`postgres://xscaler:${server.password}@127.0.0.1:${server.port}/postgres`);
    assert.match(plain, /refuses us \(sslmode of database\.url\): no pg_hba\.conf entry .*no encryption/);
    const open = await PostgresServer.start();
    t.after(() => open.dispose());
    const noTls = await refusal(`${open.url()}?sslmode=require`);
    assert.match(noTls, /it does not support TLS, which is required by sslmode=require of database\.url/);
  });

  test('a certificate that is replaced is taken by the next connection of the same pool, and goes on while its file is missing', async () => {
    const renewed = other.issue({ commonName: 'xscaler' });
    const db = openPostgresDatabase({ url: urlWith(certificate(renewed)), maxConnections: 2 });
    await assert.rejects(db.query('SELECT 1'), { code: 'unavailable' });
    const good = authority.issue({ commonName: 'xscaler' });
    copyFileSync(good.keyFile, renewed.keyFile);
    copyFileSync(good.certFile, renewed.certFile);
    const backend = async () => (await db.query('SELECT pg_backend_pid() AS pid, pg_sleep(0.2)'))[0].pid;
    const first = await backend();
    rmSync(renewed.certFile);
    const pids = new Set(await Promise.all([backend(), backend()]));
    assert.equal(pids.size, 2);
    assert.ok(pids.has(first));
    await db.close();
  });
});
