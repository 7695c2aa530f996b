/**
 * Cost of a distributor per sample in each protocol: the same 2,000 known series with ten labels, one sample each, as
 * a counter. The log is memory. `node services/distributor/protocols/protocols.bench.ts`
 */
import { Labels } from '@xscaler/model';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { encodeExportRequest } from '@xscaler/wire/otlp';
import { encodeWriteRequest, encodeWriteRequestV2 } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import type { WriteLog } from '@xscaler/writelog';
import { Registry } from 'prom-client';
import { createDistributor } from '../distributor.ts';

const NOW_MS = 1_700_000_000_000;
const SERIES = 2_000;
const ROUNDS = 300;

const log: WriteLog = {
  partitionCount: 4,
  append: async () => 0,
  read: () => {
    throw new Error('nobody reads here');
  },
  startOffset: async () => 0,
  endOffset: async () => 0,
  identity: async () => 'bench',
  truncate: async () => {},
  close: async () => {},
};

function attributesOf(i: number): Record<string, string> {
  return {
    cluster: 'prod-eu-west-1',
    code: `${200 + (i % 5)}`,
    container: 'application',
    handler: `/api/v1/resource/${i % 20}`,
    method: i % 2 === 0 ? 'GET' : 'POST',
    namespace: `team-${i % 7}`,
    pod: `application-7c9d8f6b5d-${i % 11}`,
    shard: `${i}`,
  };
}

const indexes = Array.from({ length: SERIES }, (_, i) => i);
const series = indexes.map((i) => ({
  labels: Labels.of({ __name__: 'requests_total', job: 'api', instance: 'i-1', ...attributesOf(i) }),
  timestamps: [NOW_MS],
  values: [i],
}));
const otlp = {
  resourceMetrics: [
    {
      resource: {
        attributes: [
          { key: 'service.name', value: { stringValue: 'api' } },
          { key: 'service.instance.id', value: { stringValue: 'i-1' } },
        ],
      },
      scopeMetrics: [
        {
          metrics: [
            {
              name: 'requests',
              sum: {
                isMonotonic: true,
                aggregationTemporality: 2,
                dataPoints: indexes.map((i) => ({
                  asDouble: i,
                  timeUnixNano: `${NOW_MS}000000`,
                  attributes: Object.entries(attributesOf(i)).map(([key, stringValue]) => ({
                    key,
                    value: { stringValue },
                  })),
                })),
              },
            },
          ],
        },
      ],
    },
  ],
};

const v1 = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
const v2 = { ...v1, 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request' };
const requests: [string, string, Record<string, string>, Uint8Array][] = [
  ['remote write 1.0', '/api/v1/push', v1, packSnappy(encodeWriteRequest(series))],
  ['remote write 2.0', '/api/v1/push', v2, packSnappy(encodeWriteRequestV2(series))],
  ['OTLP, protobuf', '/v1/metrics', { 'content-type': 'application/x-protobuf' }, encodeExportRequest(otlp)],
  ['OTLP, JSON', '/v1/metrics', { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(otlp))],
];

const limits = limitsSchema.parse({});
const shard = { partitions: [0, 1, 2, 3] };
for (const [name, path, headers, body] of requests) {
  const distributor = createDistributor({
    log,
    limitsOf: () => limits,
    shardOf: () => shard,
    windowMs: 7_200_000,
    clock: () => NOW_MS,
    registry: new Registry(),
    logger: { warn: () => {}, error: () => {} },
  });
  const { signal } = new AbortController();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now();
    const { status } = await distributor.handle(
      { tenant: 'acme', method: 'POST', query: '', path, headers, body },
      signal,
    );
    if (status >= 300) throw new Error(`${name}: status ${status}`);
    best = Math.min(best, performance.now() - began);
  }
  console.log(name.padEnd(20), ((best * 1000) / SERIES).toFixed(3), 'µs/sample', `${body.length} bytes`);
}
