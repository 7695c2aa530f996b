import { readFileSync } from 'node:fs';
import { ClientTls, type TlsFiles } from '@xscaler/tls';
import type { RedisOptions as DriverOptions } from 'ioredis';
import { ClusterError } from '../cluster-error.ts';
import { RedisConnector } from './redis-connector.ts';

/** How a Redis is reached, and how long it is waited for. Whatever is absent takes its default. */
export interface RedisOptions {
  /** `redis://[user[:password]@]host[:port][/db]`, or `rediss://` for TLS. What stands beside it here goes before. */
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  /** A file with the password, read again for each connection, so that it may change. Goes before the URL's. */
  readonly passwordFile?: string;
  readonly db?: number;
  readonly tls?: boolean;
  /** Of TLS; without them it trusts what Node trusts and shows no certificate. */
  readonly tlsFiles?: TlsFiles;
  /** What a call may take, all in all (250 ms). */
  readonly timeoutMs?: number;
  /** Told when Redis disappears (with the reason), when the reason changes, and when it is back (undefined): for the log. */
  readonly onAway?: (reason: string | undefined) => void;
}

/** Answers in the shapes of RESP2, whatever the protocol: what the scripts' answers are taken for. */
type LegacyOptions = DriverOptions & { replyMapping: 'legacy' };

const CONNECT_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 1_000;
/** A connection with a call that has had no answer for this long is made anew: the other end may have gone silently. */
const SILENT_CONNECTION_MS = 3_000;

const TLS_SETTINGS = {
  ca: 'cluster.redis_tls.ca_file',
  cert: 'cluster.redis_tls.cert_file',
  key: 'cluster.redis_tls.key_file',
  serverName: 'cluster.redis_tls.server_name',
};

/**
 * TLS to Redis, if that is asked for.
 * @throws ClusterError `invalid` if the URL cannot be understood, or a file cannot be used
 */
export function tlsOf(options: RedisOptions): ClientTls | undefined {
  const { tls } = { ...parse(options.url), ...present(options) };
  if (tls !== true) return undefined;
  try {
    return new ClientTls(options.tlsFiles ?? {}, TLS_SETTINGS);
  } catch (error) {
    throw new ClusterError('invalid', (error as Error).message);
  }
}

/**
 * What the driver is told. It neither keeps commands for later nor sends them twice: a heartbeat of ten seconds ago is worth
 * nothing, and callers get the last answer.
 * @throws ClusterError `invalid`, which says what is wrong and never holds the password
 */
export function driverOptionsOf(options: RedisOptions, tls = tlsOf(options)): LegacyOptions {
  const { host, port, username, password, db } = { ...parse(options.url), ...present(options) };
  if (host === undefined) throw new ClusterError('invalid', 'Redis needs a host');
  return {
    host,
    port: port ?? 6379,
    db: db ?? 0,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls: tls.connectOptions() }),
    Connector: RedisConnector,
    replyMapping: 'legacy',
    lazyConnect: true,
    // A user with no more rights than the program needs may not do it.
    disableClientInfo: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENT_CONNECTION_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (attempt) => Math.min(50 * attempt, MAX_RECONNECT_DELAY_MS),
    // What a primary answers that has become a replica: its name may lead to another one by now.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

function present(options: RedisOptions): RedisOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const password = passwordOf(options);
  return password === undefined ? given : { ...given, password };
}

/**
 * The password that stands beside the URL, read from its file if it has one.
 * @throws ClusterError `invalid` if the file cannot be read
 */
export function passwordOf({ password, passwordFile }: RedisOptions): string | undefined {
  if (password !== undefined || passwordFile === undefined) return password;
  try {
    return readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ClusterError('invalid', `the file with the password of Redis cannot be read: ${code}`);
  }
}

function parse(text: string | undefined): RedisOptions {
  if (text === undefined) return {};
  const url = URL.parse(text);
  const path = /^\/?(\d*)$/.exec(url?.pathname ?? '');
  if (
    url === null ||
    !/^rediss?:$/.test(url.protocol) ||
    url.hostname === '' ||
    path === null ||
    url.search
  ) {
    throw new ClusterError('invalid', 'the Redis URL is not of the form redis://user@host:port/db');
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    ...(url.port !== '' && { port: Number(url.port) }),
    ...(url.username !== '' && { username: decoded(url.username) }),
    ...(url.password !== '' && { password: decoded(url.password) }),
    ...(path[1] !== '' && { db: Number(path[1]) }),
    ...(url.protocol === 'rediss:' && { tls: true }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ClusterError('invalid', 'the Redis URL contains a % that does not begin an escape');
  }
}
