/*
 * Late samples of one series: ns to append one, ns a sample to select, bytes a sample.
 * Run: node libs/tsdb/head/late-samples.bench.ts [samples]
 */
import { Labels } from '@xscaler/model';
import { Head } from './head.ts';

const samples = Number(process.argv[2] ?? 1_000_000);
const windowStartMs = 1_700_006_400_000;

/** Time of the i-th late sample. The window's last one comes first. */
const orders: Record<string, (i: number) => number> = {
  'newest first': (i) => samples - 1 - i,
  'oldest first': (i) => i,
  'no order': (i) => (i * 7919) % samples,
};

function cpuNs(): number {
  return process.cpuUsage().user * 1000;
}

for (const [name, timeAt] of Object.entries(orders)) {
  const window = { windowStartMs, windowMs: 7_200_000 };
  const head = new Head({ tenant: 'bench', partition: 0, seq: 0, fromOffset: 0, ...window });
  const slot = head.create(1, 2, 3, 4, Labels.of({ __name__: 'late' }));
  head.append(slot, windowStartMs + samples, 0, 0);
  const words = new Int32Array(Float64Array.from({ length: samples }, (_, i) => i * 17).buffer);
  const startedAt = cpuNs();
  for (let i = 0; i < samples; i++)
    head.append(slot, windowStartMs + timeAt(i), words[2 * i], words[2 * i + 1]);
  const appendedAt = cpuNs();
  const appendedBytes = head.chunks.byteSize;
  const selectNs = [0, 1].map(() => {
    const selectedAt = cpuNs();
    using selection = head.select([], -Infinity, Infinity);
    for (const frame of selection.frames()) if (frame.length === 0) throw new Error('an empty frame');
    return cpuNs() - selectedAt;
  });
  console.log(
    `${name.padEnd(13)} ${((appendedAt - startedAt) / samples).toFixed(0)} ns/sample,`,
    `${(appendedBytes / samples).toFixed(1)} B/sample;`,
    `select ${selectNs.map((ns) => (ns / samples).toFixed(1)).join(', again ')} ns/sample`,
  );
  head.release();
}
