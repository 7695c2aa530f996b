/** Shared by the distributor's tests: a log in memory, a distributor on it, and a reader of its records. */
import assert from 'node:assert/strict';
import { Labels } from '@xscaler/model';
import type { UpstreamResponse } from '@xscaler/rpc';
import type { Limits, Shard } from '@xscaler/tenancy';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { encodeWriteRequest, type WriteSeries } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import type { WriteLog, WriteLogError } from '@xscaler/writelog';
import { Registry } from 'prom-client';
import { createDistributor, type DistributorOptions } from './distributor.ts';

export const NOW_MS = 1_700_000_000_000;

/** A log that keeps its records; a partition in `failing` refuses them. */
export class MemoryLog implements WriteLog {
  readonly partitionCount: number;
  readonly records: { partition: number; record: Uint8Array }[] = [];
  readonly failing = new Map<number, WriteLogError>();
  /** Appends resolve only after it does. */
  gate: Promise<void> = Promise.resolve();

  constructor(partitionCount: number) {
    this.partitionCount = partitionCount;
  }

  async append(partition: number, record: Uint8Array): Promise<number> {
    await this.gate;
    const failure = this.failing.get(partition);
    if (failure !== undefined) throw failure;
    assert.equal(record.byteLength, record.buffer.byteLength, 'a record is alone in its buffer');
    return this.records.push({ partition, record }) - 1;
  }

  read(): AsyncIterable<never> {
    throw new Error('this log is never read');
  }

  async startOffset(): Promise<number> {
    return 0;
  }

  async endOffset(): Promise<number> {
    return this.records.length;
  }

  async identity(): Promise<string> {
    return 'memory';
  }

  async truncate(): Promise<void> {}

  async close(): Promise<void> {}
}

export const HEADERS = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };

export function setUp(
  limits: Partial<Limits> = {},
  options: Partial<DistributorOptions> = {},
  partitionCount = 4,
) {
  const log = new MemoryLog(partitionCount);
  const registry = new Registry();
  const clock = { nowMs: NOW_MS };
  const shard = { partitions: Array.from({ length: partitionCount }, (_, i) => i) };
  const current = { limits: { ...limitsSchema.parse({}), ...limits }, shard: shard as Shard | undefined };
  const distributor = createDistributor({
    log,
    limitsOf: () => current.limits,
    shardOf: () => current.shard,
    windowMs: 7_200_000,
    clock: () => clock.nowMs,
    registry,
    logger: { warn: () => {}, error: () => {} },
    seed: Uint32Array.of(1, 2, 3, 4),
    ...options,
  });
  const post = (body: Uint8Array, headers: Record<string, string> = HEADERS, tenant = 'acme') =>
    distributor.handle(
      { tenant, method: 'POST', path: '/api/v1/push', query: '', headers, body },
      new AbortController().signal,
    );
  const postOtlp = (body: Uint8Array, headers: Record<string, string> = {}, path = '/otlp/v1/metrics') =>
    distributor.handle(
      {
        tenant: 'acme',
        method: 'POST',
        path,
        query: '',
        headers: { 'content-type': 'application/x-protobuf', ...headers },
        body,
      },
      new AbortController().signal,
    );
  const push = (series: readonly WriteSeries[], tenant = 'acme') =>
    post(packSnappy(encodeWriteRequest(series)), HEADERS, tenant);
  return { log, registry, clock, current, distributor, post, postOtlp, push };
}

export const textOf = ({ body }: UpstreamResponse) => Buffer.from(body).toString();

export const series = (record: Record<string, string>, timestampMs = NOW_MS, value = 1): WriteSeries => ({
  labels: Labels.of(record),
  timestamps: [timestampMs],
  values: [value],
});

export interface Stored {
  readonly partition: number;
  readonly labels: Labels;
  readonly id: string;
  readonly timestamps: number[];
  readonly words: number[];
}

export function stored(log: MemoryLog, tenant = 'acme'): Stored[] {
  const reader = new LogRecordReader();
  const all: Stored[] = [];
  for (const { partition, record } of log.records) {
    reader.decode(record);
    if (reader.tenant !== tenant) continue;
    assert.equal(reader.windowMs, 7_200_000);
    for (let i = 0; i < reader.seriesCount; i++) {
      const start = i === 0 ? 0 : reader.sampleEnds[i - 1];
      all.push({
        partition,
        labels: reader.labelsOf(i),
        id: Buffer.from(reader.ids.buffer, 16 * i, 16).toString('hex'),
        timestamps: [...reader.timestamps.subarray(start, reader.sampleEnds[i])],
        words: [...reader.valueWords.subarray(2 * start, 2 * reader.sampleEnds[i])],
      });
    }
  }
  return all;
}

export async function counts(registry: Registry) {
  const sum = async (name: string) =>
    (await registry.getSingleMetric(name)!.get()).values.reduce((total, { value }) => total + value, 0);
  return {
    received: await sum('xscaler_distributor_samples_received_total'),
    stored: await sum('xscaler_distributor_samples_stored_total'),
    refused: await sum('xscaler_distributor_samples_refused_total'),
  };
}
