/*
 * What a query of ten series reads of a block of a million, with nothing cached: at most 200 KB, else it fails. And how long the steps are in
 * which the block is written: about 10 ms at most.
 * Run: node libs/tsdb/block/block-cold-read.bench.ts [series] [samples]
 */
import { Labels, Matcher, SampleColumns } from '@xscaler/model';
import { writeBlock } from '../block-writing/block-writer.ts';
import { SeriesMerger } from '../frame/series-merger.ts';
import { Head } from '../head/head.ts';
import type { MatcherSets } from '../postings/selector.ts';
import { PartsInMemory } from '../testing/block-parts.ts';
import { BlockReader } from './block-reader.ts';

const seriesCount = Number(process.argv[2] ?? 1_000_000);
const samplesEach = Number(process.argv[3] ?? 8);
const windowStartMs = 1_700_006_400_000;

/** That a query of ten series may read. */
const MOST_BYTES = 200_000;
const METRICS = 100;
const PER_POD = 100;

function labelsOf(series: number): Labels {
  const pod = Math.floor(series / PER_POD);
  return Labels.of({
    __name__: `application_operation_${series % METRICS}_total`,
    cluster: `production-eu-${pod % 3}`,
    container: `application-${pod % 20}`,
    handler: `/api/v2/orders/${series % 20}`,
    instance: `10.${(pod >> 8) & 255}.${pod & 255}.17:9102`,
    job: `job-${pod % 10}`,
    namespace: `namespace-${pod % 12}`,
    pod: `checkout-${((pod * 2_654_435_761) % 2 ** 32).toString(36)}-${pod}`,
    trace: `${((series * 2_246_822_519) % 2 ** 32).toString(16)}`,
  });
}

function fill(): Head {
  const head = new Head({
    tenant: 'b',
    partition: 0,
    windowStartMs,
    windowMs: 7_200_000,
    seq: 0,
    fromOffset: 0,
  });
  const value = new Float64Array(1);
  const words = new Int32Array(value.buffer);
  for (let series = 0; series < seriesCount; series++) {
    const hash = Math.imul(series + 1, 0x9e3779b1);
    const slot = head.create(hash, hash ^ 0x5bd1e995, series, 7, labelsOf(series));
    for (let step = 0; step < samplesEach; step++) {
      value[0] = series * step;
      head.append(slot, windowStartMs + step * 15_000 + (series % 1000), words[0], words[1]);
    }
  }
  return head;
}

/** Writes the block as an ingester does, and says how long its steps were. */
function write(head: Head): PartsInMemory {
  const parts = [];
  const stepsMs: number[] = [];
  for (const writing = writeBlock(head); ; ) {
    const startedMs = performance.now();
    const step = writing.next();
    stepsMs.push(performance.now() - startedMs); // of the clock: a busy machine's other work is in it
    if (step.done) break;
    if (step.value) parts.push(step.value);
  }
  const totalMs = stepsMs.reduce((sum, one) => sum + one, 0);
  stepsMs.sort((a, b) => b - a);
  const inBytes = parts.reduce((sum, { bytes }) => sum + bytes.length, 0);
  console.log(
    `${seriesCount} series written in ${(totalMs / 1000).toFixed(1)} s, ${stepsMs.length} steps:`,
    `the longest ${stepsMs[0].toFixed(0)} ms, one in a hundred over ${stepsMs[Math.floor(stepsMs.length / 100)].toFixed(0)} ms (10 at most);`,
    `${(inBytes / seriesCount).toFixed(0)} bytes a series`,
  );
  return new PartsInMemory(parts);
}

/** Counts what is read. */
class CountingSource {
  readonly #source: PartsInMemory;
  readonly byKind = new Map<string, number>();
  reads = 0;

  constructor(source: PartsInMemory) {
    this.#source = source;
  }

  get bytes(): number {
    return [...this.byKind.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  async read(...asked: Parameters<PartsInMemory['read']>): Promise<Uint8Array> {
    const bytes = await this.#source.read(...asked);
    this.reads++;
    this.byKind.set(asked[0], (this.byKind.get(asked[0]) ?? 0) + bytes.length);
    return bytes;
  }
}

async function query(name: string, source: PartsInMemory, matcherSets: MatcherSets): Promise<void> {
  const counting = new CountingSource(source);
  const reader = new BlockReader({ blockId: 'b', partition: 0, fromOffset: 0 }, counting);
  const merger = new SeriesMerger();
  const { signal } = new AbortController();
  for await (const frame of reader.select(matcherSets, -Infinity, Infinity, signal)) merger.addFrame(frame);
  const columns = new SampleColumns();
  for (const series of merger.finish(-Infinity, Infinity)) series.read(columns);
  const kinds = [...counting.byKind].map(([kind, bytes]) => `${kind} ${(bytes / 1000).toFixed(1)}`);
  console.log(
    `${name}: ${merger.seriesCount} series, ${columns.length} samples, ${counting.reads} reads:`,
    `${(counting.bytes / 1000).toFixed(1)} KB of 200 (${kinds.join(', ')})`,
  );
  if (counting.bytes > MOST_BYTES) process.exitCode = 1;
}

const source = write(fill());
const pods = Math.floor(seriesCount / PER_POD);
const podOf = (pod: number) => labelsOf(pod * PER_POD).get('pod');
const is = (label: string, value: string) => new Matcher('=', label, value);
await query('one series', source, [[is('__name__', 'application_operation_7_total'), is('pod', podOf(77))]]);
await query('ten series of a metric, next to each other', source, [
  [
    is('__name__', 'application_operation_7_total'),
    new Matcher('=~', 'pod', Array.from({ length: 10 }, (_, i) => podOf(500 + i)).join('|')),
  ],
]);
await query('ten series of a metric, far from each other', source, [
  [
    is('__name__', 'application_operation_7_total'),
    new Matcher(
      '=~',
      'pod',
      Array.from({ length: 10 }, (_, i) => podOf(Math.floor((i * pods) / 10))).join('|'),
    ),
  ],
]);
await query('ten series of ten metrics of a pod', source, [
  [
    new Matcher(
      '=~',
      '__name__',
      Array.from({ length: 10 }, (_, i) => `application_operation_${i * 10}_total`).join('|'),
    ),
    is('pod', podOf(123)),
  ],
]);
await query('ten series of ten metrics of ten pods, by a label of a million values', source, [
  [
    new Matcher(
      '=~',
      'trace',
      Array.from({ length: 10 }, (_, i) =>
        labelsOf(Math.floor((i * seriesCount) / 10) + i * 11).get('trace'),
      ).join('|'),
    ),
  ],
]);
