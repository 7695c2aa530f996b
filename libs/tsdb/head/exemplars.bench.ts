/** Exemplars of 1,000 series every 15 s for two hours in a head and as a block: `npx node --expose-gc libs/tsdb/head/exemplars.bench.ts`. */
import { randomBytes } from 'node:crypto';
import { Labels, Matcher } from '@xscaler/model';
import { BlockReader } from '../block/block-reader.ts';
import { mergeBlocks } from '../block-merging/block-merge.ts';
import { blockOfHead, collectBlock, PartsInMemory } from '../testing/block-parts.ts';
import { TENANT, WINDOW_MS, WINDOW_START_MS, wordsOfId } from '../testing/head-model.ts';
import { Head } from './head.ts';

const SERIES = 1_000;
const TIMES = 480;
const COUNT = SERIES * TIMES;
const { signal } = new AbortController();

function timed<T>(what: string, count: number, run: () => T): T {
  const begun = performance.now();
  const result = run();
  const ms = performance.now() - begun;
  console.log(`${what}: ${ms.toFixed(0)} ms, ${((1e6 * ms) / count).toFixed(0)} ns each`);
  return result;
}

const memory = () => {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
};

const head = new Head({
  tenant: TENANT,
  partition: 0,
  windowStartMs: WINDOW_START_MS,
  windowMs: WINDOW_MS,
  seq: 0,
  fromOffset: 0,
});
for (let i = 0; i < SERIES; i++) {
  const labels = Labels.of({ __name__: 'checkout_seconds_bucket', le: `${i % 10}`, pod: `pod-${i}` });
  const [w0, w1, w2, w3] = wordsOfId(labels);
  head.create(w0, w1, w2, w3, labels);
}
const before = memory();
timed('append', COUNT, () => {
  for (let time = 0; time < TIMES; time++) {
    for (let slot = 0; slot < SERIES; slot++) {
      const ids = randomBytes(24).toString('hex');
      head.appendExemplar(slot, {
        labels: Labels.fromSorted(['span_id', ids.slice(0, 16), 'trace_id', ids.slice(16)]),
        value: time / 7,
        timestampMs: WINDOW_START_MS + 15_000 * time + slot,
      });
    }
  }
});
const held = memory() - before;
const counted = head.seriesExemplars.byteSize / COUNT;
console.log(`memory: ${(held / COUNT).toFixed(0)} bytes each, ${counted.toFixed(0)} counted`);
const block = timed('block', COUNT, () => blockOfHead(head));
const stored = block.parts
  .filter(({ kind }) => kind === 'exemplars')
  .reduce((sum, { bytes }) => sum + bytes.length, 0);
console.log(`block: ${(stored / COUNT).toFixed(1)} bytes each`);
const source = new PartsInMemory(block.parts);
const identity = { blockId: 'b', partition: 0, fromOffset: 0 };
let begun = performance.now();
await collectBlock(mergeBlocks([{ ...identity, source, tombstones: [] }], signal));
console.log(`merge: ${(performance.now() - begun).toFixed(0)} ms`);
const reader = new BlockReader(identity, source);
for (const [what, value] of [
  ['one series', 'pod-7'],
  ['all series', '.*'],
] as const) {
  begun = performance.now();
  const found = await reader.exemplars(
    [[new Matcher('=~', 'pod', value)]],
    WINDOW_START_MS + 3_600_000,
    WINDOW_START_MS + 3_900_000,
    signal,
  );
  const count = found.reduce((sum, { exemplars }) => sum + exemplars.length, 0);
  console.log(`five minutes of ${what}: ${(performance.now() - begun).toFixed(1)} ms for ${count}`);
}
