/**
 * µs per sample of each step from a remote write 1.0 body to a log record: 2,000 series of one sample,
 * about 260 bytes of labels each, in one partition. `node libs/wire/remote-write-v1/remote-write-v1.bench.ts`
 */
import { ContentHash } from '@xscaler/encoding';
import { Labels } from '@xscaler/model';
import { AT_END } from '../labels/series-source.ts';
import { storeLabels } from '../log-record/label-section.ts';
import { LogRecordReader } from '../log-record/reader.ts';
import { LogRecordWriter } from '../log-record/writer.ts';
import { expandSnappy, packSnappy } from '../snappy/snappy-block.ts';
import { encodeWriteRequest } from './request-encoder.ts';
import { WriteRequestReader } from './request-reader.ts';

const SAMPLES = 2_000;

const series = Array.from({ length: SAMPLES }, (_, i) => {
  const instance = Math.floor(i / 500);
  return {
    labels: Labels.of({
      __name__: `app_subsystem_family_${Math.floor((i % 500) / 20)}_total`,
      cluster: 'prod-eu-west-1',
      code: `${200 + (i % 5)}`,
      container: 'application',
      handler: `/api/v1/resource/${i % 20}`,
      instance: `10.0.${instance}.17:9090`,
      job: 'kubernetes-pods',
      method: i % 2 === 0 ? 'GET' : 'POST',
      namespace: `team-${instance}`,
      pod: `application-7c9d8f6b5d-${(instance * 7919).toString(36)}`,
      shard: `${i % 20}`,
    }),
    timestamps: [1_700_000_000_000 + 37 * instance],
    values: [Math.imul(i, 2654435761) >>> 8],
  };
});
const body = encodeWriteRequest(series);
const packed = packSnappy(body);

function measure(name: string, run: () => void): void {
  for (let i = 0; i < 50; i++) run();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round++) {
    const start = performance.now();
    for (let i = 0; i < 25; i++) run();
    best = Math.min(best, (performance.now() - start) / 25);
  }
  console.log(name.padEnd(36), ((best * 1000) / SAMPLES).toFixed(4), 'µs/sample');
}

const reader = new WriteRequestReader();
const writer = new LogRecordWriter();
const hash = new ContentHash(Uint32Array.of(1, 2, 3, 4));
let labelBytes = 0;

function walk(visit: () => void): void {
  reader.reset(body);
  for (let at = reader.next(); at !== AT_END; at = reader.next()) visit();
}

function encode(): Uint8Array<ArrayBuffer> {
  writer.reset('acme', 7_200_000);
  walk(() => {
    writer.addSeries(1, 2, 3, 4, reader.labelBytes, reader.labelsStart, reader.labelsEnd);
    writer.addSample(reader.timestamps[0], reader.valueWords[0], reader.valueWords[1]);
  });
  return writer.finish();
}

walk(() => {
  labelBytes += reader.labelsEnd - reader.labelsStart;
});
const record = encode();
const labels = new Uint8Array(labelBytes);
let at = 0;
walk(() => {
  const part = reader.labelBytes.subarray(reader.labelsStart, reader.labelsEnd);
  labels.set(part, at);
  at += part.length;
});

console.log(`${labelBytes / SAMPLES} bytes of labels, ${packed.length / SAMPLES} of body on the wire,`);
console.log(
  `${record.length / SAMPLES} of record, ${storeLabels(labels).stored.length / SAMPLES} of them labels`,
);
measure('expand', () => expandSnappy(packed, 1 << 26));
measure('walk', () => walk(() => {}));
measure('walk, hash', () => walk(() => hash.hash(reader.labelView, reader.labelsStart, reader.labelsEnd)));
measure('walk, encode record (with labels)', encode);
measure('compress labels', () => storeLabels(labels));
const recordReader = new LogRecordReader();
measure('decode record', () => recordReader.decode(record));
measure('decode record and all labels', () => {
  recordReader.decode(record);
  for (let i = 0; i < SAMPLES; i++) recordReader.labelsOf(i);
});
