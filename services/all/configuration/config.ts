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
  z.string().default('').describe(`File with ${setting}, in its place; a newline at its end doesn't count`);

/** TLS to a server outside the cluster, as a client of it. */
const tlsFiles = {
  ca_file: z
    .string()
    .default('')
    .describe(
      "File with the authorities that sign the server's certificate, PEM; those that Node trusts if empty",
    ),
  cert_file: z.string().default('').describe('File with the client certificate and those above it, PEM'),
  key_file: z.string().default('').describe('File with its key, PEM'),
  server_name: z
    .string()
    .default('')
    .describe("Name that the server's certificate must hold; the host that is connected to if empty"),
};

const addresses = z.array(z.string()).default([]);

/** The port that OTLP/gRPC has by default everywhere. */
export const DEFAULT_OTLP_GRPC_LISTEN = '127.0.0.1:4317';

/** Configuration of every target. Keys are YAML paths; flags and variables follow from them. */
export const configSchema = z.strictObject({
  data_dir: z
    .string()
    .default('./data')
    .describe('Folder of everything that is kept, for the user of the process alone; one process at a time'),
  listen: z.string().default('127.0.0.1:9009').describe('Address and port to listen on'),
  bootstrap_tenant: z.string().default('demo').describe('Tenant that the first start creates'),
  bootstrap_token: secret(z.string().default('')).describe(
    'Its token, never printed; random, and printed once, if empty',
  ),
  bootstrap_token_file: secretFile('bootstrap_token'),
  ops_listen: z
    .string()
    .default('127.0.0.1:9010')
    .describe('Address of /metrics, health and /debug of a service that is its own process'),
  log: z.strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('Least severe level written'),
  }),
  self_metrics: z.strictObject({
    enabled: flag(true).describe('Whether own metrics are written into a tenant'),
    tenant: z
      .string()
      .default('')
      .describe(
        "Tenant of the operator's own for them: they name every tenant there. If empty: `xscaler all` writes them into the first tenant, which sees no other's name; a service of a cluster writes none",
      ),
    interval: within('15s', 1_000).describe('How often they are'),
  }),
  cluster: z.strictObject({
    redis_url: secret(z.string().default('')).describe(
      'redis://[user[:password]@]host:port, or rediss:// for TLS',
    ),
    redis_url_file: secretFile('cluster.redis_url'),
    redis_password_file: z
      .string()
      .default('')
      .describe('File with the password of Redis, read again for each connection'),
    redis_tls: z.strictObject(tlsFiles),
    secret: secret(z.string().default('')).describe(
      'Known to all services: what they prove themselves with to each other; needed if others than this machine reach them',
    ),
    secret_file: secretFile('cluster.secret'),
    tls: z.strictObject({
      ca_file: z
        .string()
        .default('')
        .describe(
          'File with the authorities that certificates of services are signed by, PEM: services talk to each other over TLS; plain text if empty',
        ),
      cert_file: z
        .string()
        .default('')
        .describe(
          'File with the certificate of this service and those above it, PEM; read again when it changes',
        ),
      key_file: z.string().default('').describe('File with its key, PEM'),
      require_client_cert: flag(false).describe(
        'Whether a service takes calls only from those with a certificate of these authorities',
      ),
      server_name: z
        .string()
        .default('')
        .describe(
          'Name that the certificate of a service that is called must have; the host of its address where empty',
        ),
    }),
    zone: z
      .string()
      .default('a')
      .describe('Zone of an ingester; replicas of a partition are in different ones'),
    ordinal: z.coerce
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('Number of an ingester within its zone, from 0'),
    ingesters_per_zone: count(1).describe(
      'Ingesters of a zone; ordinal n has the partitions p with p mod this = n',
    ),
    advertise: z
      .string()
      .default('')
      .describe('host:port at which others reach this ingester; its listen address where empty'),
    max_clock_skew: within('1m', 1_000).describe(
      'How far the clock of a service may be from those of PostgreSQL, Kafka and Redis; past it the service waits',
    ),
    other_zone_wait: within('5m', 0).describe(
      'How long an ingester waits for another zone to store a head that it cut',
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
      .describe('File with the password of the database, read again for each connection'),
    max_connections: count(10).describe('Connections of one process'),
  }),
  gateway: z.strictObject({
    distributors: addresses.describe('host:port of each distributor'),
    queriers: addresses.describe('host:port of each querier'),
    otlp_grpc_listen: z
      .string()
      .default(DEFAULT_OTLP_GRPC_LISTEN)
      .describe('Address and port for OTLP/gRPC in plain text; none if empty'),
    tls_listen: z
      .string()
      .default('')
      .describe('Address and port for HTTPS and for gRPC over TLS; none if empty'),
    tls_cert_file: z.string().default('').describe('File with the certificate and those above it, PEM'),
    tls_key_file: z.string().default('').describe('File with its key, PEM'),
    max_inflight_bytes: count(256 * MB).describe('Request bodies held at once, bytes'),
    max_inflight_requests: count(2_000).describe('Requests under way at once'),
    min_body_rate: count(4 * KB).describe(
      'Bytes a second that a request body has to come with, over 10 s each',
    ),
    max_answer_bytes: count(512 * MB).describe(
      'Answers held at once until clients have taken them, bytes; one tenant gets half of it at most',
    ),
    max_answer_wait: within('10s', 1).describe(
      'How long a read waits for other answers to be taken before it is refused',
    ),
    min_answer_rate: count(64 * KB).describe(
      'Bytes a second that a client has to take of its answer, over 30 s each, or it is cut off',
    ),
    max_connections: count(10_000).describe('Open connections of each of its addresses'),
  }),
  write_log: z.strictObject({
    partitions: count(1).describe(
      'Partitions that the log is made with; in a cluster `xscaler log partitions` changes them then',
    ),
    brokers: addresses.describe('host:port of some Kafka brokers'),
    topic: z.string().default('xscaler-log').describe('Kafka topic'),
    replication_factor: z.coerce
      .number()
      .int()
      .nonnegative()
      .default(0)
      .describe('Copies of a record; 0: 3 if there are 3 brokers, else 1'),
    retention: within('48h', 3_600_000, Number.MAX_SAFE_INTEGER).describe('How long Kafka keeps records'),
    tls: z.strictObject({
      enabled: flag(false).describe('Whether Kafka is spoken to by TLS; certificates are always verified'),
      ...tlsFiles,
    }),
    sasl: z.strictObject({
      mechanism: z
        .enum(['', ...SASL_MECHANISMS])
        .default('')
        .describe(`${SASL_MECHANISMS.join(', ')}; no SASL if empty`),
      username: z.string().default('').describe('User of plain, scram-sha-256 and scram-sha-512'),
      password: secret(z.string().default('')).describe('Its password'),
      password_file: z
        .string()
        .default('')
        .describe(
          'File with write_log.sasl.password, in its place; read again whenever a connection authenticates',
        ),
      token_file: z
        .string()
        .default('')
        .describe('File with the token of oauthbearer, read again whenever a connection authenticates'),
    }),
  }),
  ingester: z.strictObject({
    head_window: within('2h', 1_000).describe('Sample time that one head covers'),
    cut_grace: within('5m', 0).describe('How long after its end a window stays open'),
    late_head_age: within('30m', 0).describe('Age at which a head of late samples is cut'),
    late_head_bytes: count(64 * MB).describe('Size at which a head of late samples is cut'),
    max_head_bytes: count(1024 * MB).describe('Bytes of uncommitted heads past which the largest is cut'),
    committed_head_linger: within('3m', 0).describe(
      'How long a committed head stays in memory for running queries',
    ),
  }),
  querier: z.strictObject({
    timeout: within('2m', 1).describe('Longest time a query may take'),
    lookback_delta: within('5m', 1).describe('How far back an instant selector looks'),
    evaluation_threads: count(2).describe(
      'Threads that evaluate queries, at most; one more for the others while one tenant holds them all',
    ),
    evaluation_heap_mb: count(1024).describe('JavaScript heap of an evaluation thread, MB'),
    max_queued_queries: count(200).describe('Queries that wait for a thread at most'),
    max_block_index_bytes: count(256 * MB).describe('Bytes of block indexes kept in memory'),
    max_block_chunk_bytes: count(128 * MB).describe('Bytes of chunks of blocks kept in memory'),
  }),
  compactor: z.strictObject({
    interval: within('1m', 50).describe('How often it looks for blocks to merge'),
    settle: within('3h', 0).describe(
      'How long after its end a day is given for late samples before it is merged',
    ),
    fresh_blocks: count(24).describe(
      'Blocks of a tenant and partition at which a day that goes on is merged',
    ),
    late_blocks: count(4).describe('Blocks that came late at which a merged day is merged again'),
    max_blocks: count(64).describe('Blocks that one merge takes, at most'),
    max_series: count(16_000_000).describe(
      'Series of all blocks of one merge, at most; each takes four bytes of memory',
    ),
    lease: within('2m', 1_000).describe('How long a merge is left to a compactor of which nothing is heard'),
    purge_delay: within('10m', 0).describe(
      'How long replaced blocks stay for the queries that read them; longer than querier.timeout',
    ),
    tenant_cleanup_delay: within('24h', 0, Number.MAX_SAFE_INTEGER).describe(
      "From a tenant's deletion until its data goes",
    ),
    receipt_keep: within('30d', 0, Number.MAX_SAFE_INTEGER).describe(
      'How long the receipt of a deletion of series can be asked for once it is done',
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
