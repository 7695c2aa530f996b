/*
 * What the heads of an ingester hold, beside what they may: resident memory, what of it is arenas and columns, and the share
 * of the time of appending that goes to the garbage collector. The whole ingest side, log and sockets included, may have
 * what `of` says.
 * Run: node --expose-gc libs/tsdb/head/head-memory.bench.ts
 */
import { PerformanceObserver } from 'node:perf_hooks';
import { Labels } from '@xscaler/model';
import { Head } from './head.ts';
import { HeadMemory } from './head-memory.ts';

interface Scenario {
  readonly name: string;
  readonly series: number;
  readonly samples: number;
  readonly mayHaveMb: number;
}

const scenarios: readonly Scenario[] = [
  { name: '500,000 series × 16', series: 500_000, samples: 16, mayHaveMb: 600 },
  { name: '100,000 series × 480', series: 100_000, samples: 480, mayHaveMb: 400 },
];

const windowStartMs = 1_700_006_400_000;
const MB = 1024 * 1024;

/** About ten labels of 260 bytes together, as in bench/workload.ts. */
function labelsOf(series: number): Labels {
  const instance = Math.floor(series / 500);
  const member = series % 20;
  const family = Math.floor((series % 500) / 20);
  return Labels.of({
    __name__: `application_component_operation_${family}_total`,
    cluster: `production-eu-${instance % 3}`,
    code: ['200', '204', '404', '500'][member % 4],
    container: `application-${instance % 20}`,
    handler: `/api/v2/orders/${member}`,
    instance: `10.${(instance >> 8) & 255}.${instance & 255}.17:9102`,
    job: `job-${instance % 10}`,
    method: ['GET', 'POST', 'PUT'][member % 3],
    namespace: `namespace-${instance % 12}`,
    pod: `checkout-${(instance % 40).toString(16)}-${(instance * 2_654_435_761).toString(36).slice(-9)}`,
    shard: String(member),
  });
}

/** Adds to a value as the workload's six kinds of series do. */
function step(kind: number, value: number, random: number): number {
  switch (kind) {
    case 0:
      return value + Math.floor(random * 1000);
    case 1:
      return value + Math.floor(random * 20);
    case 2:
      return Math.round(value * 1000 + Math.floor(random * 15_000)) / 1000;
    case 3:
      return value + Math.floor((random - 0.5) * 10_000);
    case 4:
      return Math.floor(random * 50);
    default:
      return value;
  }
}

function run({ name, series, samples, mayHaveMb }: Scenario): void {
  global.gc?.();
  const before = process.memoryUsage().rss;
  let gcMs = 0;
  let appendedAtMs = Infinity;
  let doneAtMs = Infinity;
  const observer = new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      if (startTime >= appendedAtMs && startTime < doneAtMs) gcMs += duration;
  });
  observer.observe({ entryTypes: ['gc'] });
  const memory = new HeadMemory(64 * MB);
  const head = new Head({
    tenant: 'bench',
    partition: 0,
    windowStartMs,
    windowMs: 7_200_000,
    seq: 0,
    fromOffset: 0,
    memory,
  });
  const values = new Float64Array(series).fill(1000);
  const words = new Int32Array(values.buffer);
  let state = 1;
  for (let i = 0; i < series; i++) {
    const hash = Math.imul(i + 1, 0x9e3779b1);
    head.create(hash, hash ^ 0x5bd1e995, i, 7, labelsOf(i));
  }
  const createdMb = (process.memoryUsage().rss - before) / MB;
  appendedAtMs = performance.now();
  for (let at = 0; at < samples; at++) {
    for (let i = 0; i < series; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      values[i] = step(Math.floor((i % 500) / 20) % 6, values[i], state / 2 ** 32);
      head.append(i, windowStartMs + at * 15_000 + ((i * 7919) % 15_000), words[2 * i], words[2 * i + 1]);
    }
  }
  doneAtMs = performance.now();
  global.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  // Entries of the observer come with a later turn; until then none are lost.
  setTimeout(() => {
    console.log(
      `${name}: ${((rss - before) / MB).toFixed(0)} MB of ${mayHaveMb} resident (${createdMb.toFixed(0)} before samples),`,
      `heads ${(head.byteSize / MB).toFixed(0)} MB (chunks ${(head.chunks.byteSize / MB).toFixed(0)}),`,
      `heap ${(heapUsed / MB).toFixed(0)} MB, ${(head.chunks.byteSize / head.sampleCount).toFixed(2)} B/sample in chunks,`,
      `garbage collector ${((gcMs / (doneAtMs - appendedAtMs)) * 100).toFixed(1)} % of the time (5 at most)`,
    );
    observer.disconnect();
    head.release();
    next();
  }, 100);
}

const queue = [...scenarios];
function next(): void {
  const scenario = queue.shift();
  if (scenario !== undefined) run(scenario);
}
next();
