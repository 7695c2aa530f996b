import { secret } from '@xscaler/runtime';
import { durationSetting as duration, limitsSchema } from '@xscaler/tenancy';
import { z } from 'zod';

/** A duration within bounds, ms: timers take no more than 24 days. */
const within = (byDefault: string, minMs: number, maxMs = 24 * 86_400_000) =>
  duration(byDefault).refine((ms) => ms >= minMs && ms <= maxMs, `must be from ${minMs} ms to ${maxMs} ms`);

const count = (byDefault: number) => z.coerce.number().int().positive().default(byDefault);

const MB = 1024 * 1024;

/** Configuration of `xscaler all`. Keys are YAML paths; flags and variables follow from them. */
export const configSchema = z.strictObject({
  data_dir: z.string().default('./data').describe('Folder of everything that is kept; one process at a time'),
  listen: z.string().default('127.0.0.1:9009').describe('Address and port to listen on'),
  bootstrap_tenant: z.string().default('demo').describe('Tenant that the first start creates'),
  bootstrap_token: secret(z.string().default('')).describe('Its token; random where empty'),
  log: z.strictObject({
    level: z
      .enum(['trace', 'debug', 'info', 'warn', 'error'])
      .default('info')
      .describe('Least severe level written'),
  }),
  self_metrics: z.strictObject({
    interval: within('15s', 1_000).describe('How often own metrics are written into the bootstrap tenant'),
  }),
  gateway: z.strictObject({
    max_inflight_bytes: count(256 * MB).describe('Request bodies held at once, bytes'),
    max_inflight_requests: count(2_000).describe('Requests under way at once'),
    max_connections: count(10_000).describe('Open connections'),
  }),
  write_log: z.strictObject({
    partitions: count(1).describe('Partitions of the log; fixed when the data folder is made'),
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
    evaluation_threads: count(2).describe('Threads that evaluate queries, at most'),
    evaluation_heap_mb: count(1024).describe('JavaScript heap of an evaluation thread, MB'),
    max_queued_queries: count(200).describe('Queries that wait for a thread at most'),
    max_block_readers: count(1_000).describe('Block indexes kept in memory'),
  }),
  limits: limitsSchema,
});

export type Config = z.output<typeof configSchema>;

/** @throws Error where it is not `host:port` */
export function parseListenAddress(listen: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:\s]*)):(\d{1,5})$/.exec(listen);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new Error(`listen: not host:port: ${JSON.stringify(listen)}`);
  return { host: match[1] ?? (match[2] || '0.0.0.0'), port };
}
