import { readFileSync } from 'node:fs';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { RedisOptions as DriverOptions } from 'ioredis';
import { ClusterError } from './cluster.ts';

/** How a Redis is reached, and how long it is waited for. Whatever is absent takes its default. */
export interface RedisOptions {
  /** `redis://[user[:password]@]host[:port][/db]`, or `rediss://` for TLS. What stands beside it here goes before. */
  readonly url?: string;
  readonly host?: string;
  readonly port?: number;
  readonly username?: string;
  readonly password?: string;
  /** A file with the password, read at the opening. Goes before the URL's. */
  readonly passwordFile?: string;
  readonly db?: number;
  readonly tls?: boolean;
  /** The certificates that TLS trusts, a PEM file; the system's where it is absent. */
  readonly tlsCaFile?: string;
  /** What a call may take, all in all (250 ms). */
  readonly timeoutMs?: number;
  /** Told when Redis goes away (with the reason) and when it is back (undefined): for the log. */
  readonly onAway?: (reason: string | undefined) => void;
}

/** Answers in the shapes of RESP2, whatever the protocol: what the scripts' answers are taken for. */
type LegacyOptions = DriverOptions & { replyMapping: 'legacy' };

const CONNECT_TIMEOUT_MS = 2_000;
const MAX_RECONNECT_DELAY_MS = 1_000;
/** A connection with a call that has had no answer for so long is made anew: the other end may have gone silently. */
const SILENT_CONNECTION_MS = 3_000;

/**
 * What the driver is told. It neither keeps commands for later nor sends them twice: a heartbeat of ten seconds ago is worth
 * nothing, and whoever asks has an answer of last time.
 * @throws ClusterError `invalid`, which says what is wrong and never holds the password
 */
export function driverOptionsOf(options: RedisOptions): LegacyOptions {
  const { host, port, username, password, db, tls } = { ...parse(options.url), ...present(options) };
  if (host === undefined) throw new ClusterError('invalid', 'Redis needs a host');
  return {
    host,
    port: port ?? 6379,
    db: db ?? 0,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls === true && { tls: tlsOf(options.tlsCaFile) }),
    replyMapping: 'legacy',
    lazyConnect: true,
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

function tlsOf(caFile: string | undefined): TlsOptions {
  return caFile === undefined ? {} : { ca: readFileSync(caFile, 'utf8') };
}

function present(options: RedisOptions): RedisOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const { password, passwordFile } = options;
  if (password !== undefined || passwordFile === undefined) return given;
  return { ...given, password: readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '') };
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
    throw new ClusterError('invalid', 'the Redis URL holds a % that begins no escape');
  }
}
