import { readFile } from 'node:fs/promises';
import { DatabaseError } from '../sql/database.ts';
import { type PostgresTls, type PostgresTlsOptions, postgresTlsOf, tlsParametersOf } from './postgres-tls.ts';

/** How a PostgreSQL is reached, and what it may take of this process. Whatever is absent takes its default. */
export interface PostgresOptions {
  /**
   * `postgres://user[:password]@host[:port]/database[?sslmode=…&sslrootcert=…&sslcert=…&sslkey=…&channel_binding=…]`; what
   * stands beside it here goes before. What follows the `?` is what libpq means by it (see `postgres-tls.ts`), and nothing
   * else may.
   */
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  readonly password?: string;
  /** A file with the password, read again for each connection, so that it may change. Goes before the URL's. */
  readonly passwordFile?: string;
  readonly tls?: PostgresTlsOptions;
  /** Connections at most (10). A transaction holds one from its begin to its end. */
  readonly maxConnections?: number;
  /** Calls that may wait for a connection (1024); more are refused with `unavailable`. */
  readonly maxQueuedCalls?: number;
  /** Wait for a connection, be it a new one or one in use (5 s). */
  readonly connectTimeoutMs?: number;
  /** A statement, waiting for locks included (30 s); the server ends it, and we give up a little later. */
  readonly statementTimeoutMs?: number;
  /** A transaction whose client says nothing for this long is rolled back by the server (10 s). */
  readonly transactionIdleMs?: number;
  /** How the server's own views name the connections. */
  readonly applicationName?: string;
  /** Told that a connection nobody was using has gone: for the log. */
  readonly onConnectionLost?: (message: string) => void;
}

/** Where to, as whom: what the driver is told. */
export interface PostgresTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: () => Promise<string>;
  /** Undefined: plain text. */
  readonly tls: PostgresTls | undefined;
}

/**
 * The target that `options` name. Where they hold no password and no file with one, the environment's PGPASSWORD counts.
 * @throws DatabaseError `invalid`, which says what is wrong and never holds the password
 */
export function targetOf(options: PostgresOptions): PostgresTarget {
  const url = options.url === undefined ? undefined : parse(options.url);
  const given = { ...url, ...withoutAbsent(options) };
  if (given.host === undefined) throw new DatabaseError('invalid', 'PostgreSQL needs a host');
  const { host, port = 5432, user = 'postgres', password, passwordFile } = given;
  return {
    host,
    port,
    user,
    database: given.database ?? user,
    password: async () => {
      if (options.password === undefined && passwordFile !== undefined) return readPassword(passwordFile);
      return password ?? process.env.PGPASSWORD ?? '';
    },
    tls: postgresTlsOf(given.tls ?? {}),
  };
}

function withoutAbsent(options: PostgresOptions): PostgresOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

async function readPassword(path: string): Promise<string> {
  return (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
}

function parse(text: string): PostgresOptions {
  const url = URL.parse(text);
  if (url === null || !/^postgres(ql)?:$/.test(url.protocol) || url.hostname === '') {
    throw new DatabaseError(
      'invalid',
      'the database URL is not of the form postgres://user@host:port/database',
    );
  }
  return {
    // An IPv6 address stands in brackets there.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(url.username !== '' && { user: decoded(url.username) }),
    ...(url.password !== '' && { password: decoded(url.password) }),
    ...(url.pathname.length > 1 && { database: decoded(url.pathname.slice(1)) }),
    tls: tlsParametersOf(url.searchParams),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DatabaseError('invalid', 'the database URL contains a % that does not begin an escape');
  }
}
