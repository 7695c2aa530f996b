/*
 * Cost of applying records to heads, decoding included: µs of CPU per new series, ns per sample of a known series.
 * Run: node services/ingester/heads/record-applier.bench.ts [series] [steps]
 */
import { ByteWriter } from '@xscaler/encoding';
import { Labels, seriesId } from '@xscaler/model';
import { HeadMemory } from '@xscaler/tsdb';
import { writeLabelSet } from '@xscaler/wire/labels';
import { LogRecordReader, LogRecordWriter } from '@xscaler/wire/log-record';
import { LedgerView } from './ledger-view.ts';
import { PartitionHeads } from './partition-heads.ts';
import { noCounts, RecordApplier } from './record-applier.ts';

const TENANT = 'bench';
const WINDOW_MS = 7_200_000;
const START_MS = 1_700_006_400_000;
const SERIES_PER_RECORD = 2000;

const seriesCount = Number(process.argv[2] ?? 100_000);
const steps = Number(process.argv[3] ?? 40);

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

const ids = new Uint32Array(4 * seriesCount);
const labels: Uint8Array[] = [];
for (let i = 0; i < seriesCount; i++) {
  const set = labelsOf(i);
  ids.set(new Uint32Array(new Uint8Array(seriesId(TENANT, set)).buffer), 4 * i);
  const bytes = new ByteWriter(320);
  writeLabelSet(set.pairs, bytes);
  labels.push(bytes.take());
}

/** Records with one sample of every series. */
function recordsOf(step: number): Uint8Array[] {
  const writer = new LogRecordWriter();
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  const records: Uint8Array[] = [];
  for (let from = 0; from < seriesCount; from += SERIES_PER_RECORD) {
    writer.reset(TENANT, WINDOW_MS);
    for (let i = from; i < Math.min(seriesCount, from + SERIES_PER_RECORD); i++) {
      const at = 4 * i;
      writer.addSeries(ids[at], ids[at + 1], ids[at + 2], ids[at + 3], labels[i], 0, labels[i].length);
      value[0] = i * 1000 + step * 17 + ((i * step) % 13);
      writer.addSample(START_MS + step * 15_000 + (Math.floor(i / 500) % 15_000), words[0], words[1]);
    }
    records.push(writer.finish());
  }
  return records;
}

const heads = new PartitionHeads(0, new HeadMemory(0));
const applier = new RecordApplier(heads, new LedgerView());
const reader = new LogRecordReader();
const counts = noCounts();

/** CPU time that reading and applying takes, in ns. */
function apply(records: readonly Uint8Array[]): number {
  const startedUs = process.cpuUsage().user;
  for (const record of records) {
    reader.decode(record);
    applier.apply(reader, 0, 0, counts);
  }
  return (process.cpuUsage().user - startedUs) * 1000;
}

const firstNs = apply(recordsOf(0));
let steadyNs = 0;
for (let step = 1; step <= steps; step++) steadyNs += apply(recordsOf(step));
console.log(
  `${seriesCount} series created at ${(firstNs / seriesCount / 1000).toFixed(2)} µs each;`,
  `known ones take ${(steadyNs / seriesCount / steps).toFixed(0)} ns a sample (${counts.stored} stored)`,
);
