import { secret } from '@xscaler/runtime/config';
import { durationSetting as duration, flagSetting as flag, limitsSchema } from '@xscaler/tenancy/limits';
import { SASL_MECHANISMS } from '@xscaler/writelog';
import { z } from 'zod';

/** A duration within bounds, ms: timers take no more than 24 days. */
const within = (byDefault: string, minMs: number, maxMs = 24 * 86_400_000) =>
  duration(byDefault).refine((ms) => ms >= minMs && ms <= maxMs, `must be from ${minMs} ms to ${maxMs} ms`);

const count = (byDefault: number) => z.coerce.number().int().positive().default(byDefault);

const KB = 1024;
const MB = 1024 * KB;

/** Beside a setting that is a secret: a file that holds it, read at the start. */
const secretFile = (setting: string) =>
  z
    .string()
    .default('')
    .describe(`File with ${setting}, instead of the setting; a trailing newline is ignored`);

/** TLS to a server outside the cluster, as a client of it. */
const tlsFiles = {
  ca_file: z
    .string()
    .default('')
    .describe(
      "PEM file with the authorities that sign the server's certificate; if empty, those that Node trusts",
    ),
  cert_file: z.string().default('').describe('PEM file with the client certificate and its chain'),
  key_file: z.string().default('').describe('PEM file with its private key'),
  server_name: z
    .string()
    .default('')
    .describe("Expected name in the server's certificate; if empty, the host of the address"),
};

const addresses = z.array(z.string()).default([]);

/** The port that OTLP/gRPC has by default everywhere. */
export const DEFAULT_OTLP_GRPC_LISTEN = '127.0.0.1:4317';

/** Configuration of every target. Keys are YAML paths; flags and variables follow from them. */
export const configSchema = z.strictObject({
  data_dir: z
    .string()
    .default('./data')
    .describe("Data folder, for the process's user only; one process at a time"),
  listen: z.string().default('127.0.0.1:9009').describe('Address and port to listen on'),
  bootstrap_tenant: z.string().default('demo').describe('Tenant created by the first start'),
  bootstrap_token: secret(z.string().default('')).describe(
    'Token of that tenant, never printed. If empty, a random one is created and printed once',
  ),
  bootstrap_token_file: secretFile('bootstrap_token'),
  ops_listen: z
    .string()
    .default('127.0.0.1:9010')
    .describe('Address and port for /metrics, health checks and /debug of a cluster service'),
  log: z.strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('Lowest level that is logged'),
  }),
  self_metrics: z.strictObject({
    enabled: flag(true).describe("Store the server's own metrics in a tenant"),
    tenant: z
      .string()
      .default('')
      .describe(
        "Tenant that stores the server's own metrics, which name every tenant. If empty, `xscaler all` stores them in the first tenant without names of others, and cluster services store none",
      ),
    interval: within('15s', 1_000).describe('Interval between self-scrapes'),
  }),
  cluster: z.strictObject({
    redis_url: secret(z.string().default('')).describe(
      'URL of Redis: redis://[user[:password]@]host:port, or rediss:// for TLS',
    ),
    redis_url_file: secretFile('cluster.redis_url'),
    redis_password_file: z
      .string()
      .default('')
      .describe('File with the Redis password, read again for each connection'),
    redis_tls: z.strictObject(tlsFiles),
    secret: secret(z.string().default('')).describe(
      'Secret shared by all services of a cluster; required unless they listen on loopback only',
    ),
    secret_file: secretFile('cluster.secret'),
    tls: z.strictObject({
      ca_file: z
        .string()
        .default('')
        .describe(
          "PEM file with the authorities that sign the services' certificates. If set, services talk to each other over TLS",
        ),
      cert_file: z
        .string()
        .default('')
        .describe("PEM file with this service's certificate and its chain; read again when it changes"),
      key_file: z.string().default('').describe('PEM file with its private key'),
      require_client_cert: flag(false).describe(
        'Require a client certificate of these authorities from callers',
      ),
      server_name: z
        .string()
        .default('')
        .describe('Expected name in the certificate of a called service; if empty, the host of its address'),
    }),
    zone: z
      .string()
      .default('a')
      .describe('Zone of an ingester; replicas of a partition are in different zones'),
    ordinal: z.coerce
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('Number of an ingester within its zone, from 0'),
    ingesters_per_zone: count(1).describe(
      'Ingesters per zone; ordinal n owns the partitions p with p mod this = n',
    ),
    advertise: z
      .string()
      .default('')
      .describe('host:port under which others reach this ingester; if empty, its listen address'),
    max_clock_skew: within('1m', 1_000).describe(
      "Largest difference between a service's clock and those of PostgreSQL, Kafka and Redis; beyond it the service is not ready",
    ),
    other_zone_wait: within('5m', 0).describe(
      'How long an ingester waits for another zone to store a head before it does so itself',
    ),
  }),
  database: z.strictObject({
    url: secret(z.string().default('')).describe(
      'postgres://user[:password]@host[:port]/database[?sslmode=verify-full&sslrootcert=FILE&sslcert=FILE&sslkey=FILE]',
    ),
    url_file: secretFile('database.url'),
    password_file: z
      .string()
      .default('')
      .describe('File with the database password, read again for each connection'),
    max_connections: count(10).describe('Connections per process'),
  }),
  gateway: z.strictObject({
    distributors: addresses.describe('host:port of each distributor, separated by commas'),
    queriers: addresses.describe('host:port of each querier, separated by commas'),
    otlp_grpc_listen: z
      .string()
      .default(DEFAULT_OTLP_GRPC_LISTEN)
      .describe('Address and port for OTLP/gRPC without TLS; off if empty'),
    tls_listen: z.string().default('').describe('Address and port for HTTPS and gRPC over TLS; off if empty'),
    tls_cert_file: z.string().default('').describe('PEM file with the certificate and its chain'),
    tls_key_file: z.string().default('').describe('PEM file with its private key'),
    max_inflight_bytes: count(256 * MB).describe('Bytes of request bodies held at once'),
    max_inflight_requests: count(2_000).describe('Requests in progress at once'),
    min_body_rate: count(4 * KB).describe(
      'Lowest rate at which a request body may arrive, bytes/s over 10 s',
    ),
    max_answer_bytes: count(512 * MB).describe(
      'Bytes of answers held until clients have read them; one tenant gets at most half',
    ),
    max_answer_wait: within('10s', 1).describe(
      'How long a read waits for other answers to be read before it is refused',
    ),
    min_answer_rate: count(64 * KB).describe(
      'Lowest rate at which a client may read its answer, bytes/s over 30 s; slower ones are disconnected',
    ),
    max_connections: count(10_000).describe('Open connections per listening address'),
  }),
  write_log: z.strictObject({
    partitions: count(1).describe(
      'Partitions of a new log; in a cluster `xscaler log partitions` changes them later',
    ),
    brokers: addresses.describe('host:port of some Kafka brokers, separated by commas'),
    topic: z.string().default('xscaler-log').describe('Kafka topic'),
    replication_factor: z.coerce
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('Replication factor of the topic; 0: 3 if there are 3 brokers, otherwise 1'),
    retention: within('48h', 3_600_000, Number.MAX_SAFE_INTEGER).describe('How long Kafka keeps records'),
    tls: z.strictObject({
      enabled: flag(false).describe('Connect to Kafka over TLS; certificates are always verified'),
      ...tlsFiles,
    }),
    sasl: z.strictObject({
      mechanism: z
        .enum(['', ...SASL_MECHANISMS])
        .default('')
        .describe(`${SASL_MECHANISMS.join(', ')}; off if empty`),
      username: z.string().default('').describe('User for plain, scram-sha-256 and scram-sha-512'),
      password: secret(z.string().default('')).describe('Password of that user'),
      password_file: z
        .string()
        .default('')
        .describe(
          'File with the password, instead of write_log.sasl.password; read again for each authentication',
        ),
      token_file: z
        .string()
        .default('')
        .describe('File with the token for oauthbearer; read again for each authentication'),
    }),
  }),
  ingester: z.strictObject({
    head_window: within('2h', 1_000).describe('Sample time covered by one head'),
    cut_grace: within('5m', 0).describe('How long a window stays open after its end'),
    late_head_age: within('30m', 0).describe('Age at which a head of late samples is cut'),
    late_head_bytes: count(64 * MB).describe('Size at which a head of late samples is cut'),
    max_head_bytes: count(1024 * MB).describe('Bytes of uncommitted heads above which the largest is cut'),
    committed_head_linger: within('3m', 0).describe(
      'How long a committed head stays in memory for queries in progress',
    ),
  }),
  querier: z.strictObject({
    timeout: within('2m', 1).describe('Timeout of a query'),
    lookback_delta: within('5m', 1).describe('How far back an instant selector looks'),
    evaluation_threads: count(2).describe(
      'Most evaluation threads; one more starts while a single tenant holds them all',
    ),
    evaluation_heap_mb: count(1024).describe('JavaScript heap of an evaluation thread, MB'),
    max_queued_queries: count(200).describe('Queries that wait for a thread at most'),
    max_block_index_bytes: count(256 * MB).describe('Bytes of block indexes kept in memory'),
    max_block_chunk_bytes: count(128 * MB).describe('Bytes of chunks of blocks kept in memory'),
  }),
  compactor: z.strictObject({
    interval: within('1m', 50).describe('Interval between searches for blocks to merge'),
    settle: within('3h', 0).describe(
      'How long after its end a day waits for late samples before it is merged',
    ),
    fresh_blocks: count(24).describe('Blocks of one tenant and partition at which the current day is merged'),
    late_blocks: count(4).describe('Late blocks at which a merged day is merged again'),
    max_blocks: count(64).describe('Most blocks in one merge'),
    max_series: count(16_000_000).describe(
      'Most series over all blocks of one merge; each takes four bytes of memory',
    ),
    lease: within('2m', 1_000).describe(
      'How long a merge stays reserved for a compactor that does not report',
    ),
    purge_delay: within('10m', 0).describe(
      'How long replaced blocks stay readable for queries in progress; must exceed querier.timeout',
    ),
    tenant_cleanup_delay: within('24h', 0, Number.MAX_SAFE_INTEGER).describe(
      'Delay between the deletion of a tenant and of its data',
    ),
    receipt_keep: within('30d', 0, Number.MAX_SAFE_INTEGER).describe(
      'How long the receipt of a finished series deletion is kept',
    ),
  }),
  limits: limitsSchema,
});

export type Config = z.output<typeof configSchema>;

/** What threads get: whether the log and the database behind their ports are the embedded ones. */
export type ThreadConfig = Config & { readonly embedded: boolean };

/** @throws Error if it is not `host:port` */
export function parseListenAddress(listen: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(listen);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error(`listen: not host:port: ${JSON.stringify(listen)}`);
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}
