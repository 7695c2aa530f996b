/**
 * Cost of a distributor per sample, in whole requests of 2,000 samples with about 260 bytes of labels, over
 * series known already and over new ones. The log is memory. `node services/distributor/distributor.bench.ts`
 */
import { Labels, seriesId } from '@xscaler/model';
import { limitsSchema } from '@xscaler/tenancy/limits';
import { encodeWriteRequest } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import type { WriteLog } from '@xscaler/writelog';
import { Registry } from 'prom-client';
import { createDistributor } from './distributor.ts';

const NOW_MS = 1_700_000_000_000;
const SAMPLES = 2_000;
const REQUESTS = 25; // 50,000 series

let appended = 0;
const log: WriteLog = {
  partitionCount: 4,
  append: async (_partition, record) => {
    appended += record.length;
    return 0;
  },
  read: () => {
    throw new Error('nobody reads here');
  },
  startOffset: async () => 0,
  endOffset: async () => 0,
  identity: async () => 'bench',
  truncate: async () => {},
  close: async () => {},
};

function labelsOf(i: number): Labels {
  const instance = Math.floor(i / 500);
  const family = Math.floor((i % 500) / 20);
  const last: Record<string, string> = family % 6 === 1 ? { le: `${i % 20}.5` } : { shard: `${i % 20}` };
  return Labels.of({
    __name__: `app_subsystem_family_${family}_total`,
    cluster: 'prod-eu-west-1',
    code: `${200 + (i % 5)}`,
    container: 'application',
    handler: `/api/v1/resource/${i % 20}`,
    instance: `10.0.${instance}.17:9090`,
    job: 'kubernetes-pods',
    method: i % 2 === 0 ? 'GET' : 'POST',
    namespace: `team-${instance % 7}`,
    pod: `application-7c9d8f6b5d-${(instance * 7919).toString(36)}`,
    ...last,
  });
}

const bodies = Array.from({ length: REQUESTS }, (_, request) =>
  packSnappy(
    encodeWriteRequest(
      Array.from({ length: SAMPLES }, (_, i) => ({
        labels: labelsOf(request * SAMPLES + i),
        timestamps: [NOW_MS],
        values: [Math.imul(i, 2654435761) >>> 8],
      })),
    ),
  ),
);

function start() {
  const limits = limitsSchema.parse({});
  const shard = { partitions: Array.from({ length: log.partitionCount }, (_, partition) => partition) };
  const distributor = createDistributor({
    log,
    limitsOf: () => limits,
    shardOf: () => shard,
    windowMs: 7_200_000,
    clock: () => NOW_MS,
    registry: new Registry(),
    logger: { warn: () => {}, error: () => {} },
  });
  const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' };
  const { signal } = new AbortController();
  const request = { tenant: 'acme', method: 'POST', path: '/api/v1/push', query: '', headers };
  return async () => {
    appended = 0;
    for (const body of bodies) {
      const { status } = await distributor.handle({ ...request, body }, signal);
      if (status !== 204) throw new Error(`status ${status}`);
    }
  };
}

function report(name: string, ms: number): void {
  console.log(name.padEnd(36), ((ms * 1000) / (SAMPLES * REQUESTS)).toFixed(4), 'µs/sample');
}

let best = Number.POSITIVE_INFINITY;
for (let round = 0; round < 4; round++) {
  const push = start();
  const began = performance.now();
  await push();
  best = Math.min(best, performance.now() - began);
}
report('new series', best);

const push = start();
best = Number.POSITIVE_INFINITY;
for (let round = 0; round < 20; round++) {
  const began = performance.now();
  await push();
  best = Math.min(best, performance.now() - began);
}
report('known series', best);
console.log(`${appended / (SAMPLES * REQUESTS)} bytes of record a sample`);

const some = Array.from({ length: SAMPLES }, (_, i) => labelsOf(i));
best = Number.POSITIVE_INFINITY;
for (let round = 0; round < 10; round++) {
  const began = performance.now();
  for (const labels of some) seriesId('acme', labels);
  best = Math.min(best, performance.now() - began);
}
report('of a new series: its id', best * REQUESTS);
