import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels, SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import { ENCODING_DENSE } from '../chunk/chunk.ts';
import { columnRows, readFrames, WINDOW_START_MS } from '../testing/head-model.ts';
import { metricColumns, rawSamples } from '../testing/sample-arbitraries.ts';
import { Head } from './head.ts';
import type { HeadSelection } from './head-selection.ts';

const DAY_MS = 86_400_000;

const anything = rawSamples({ minLength: 1, maxLength: 300 }).map((samples) => {
  const columns = new SampleColumns();
  for (const { time, low, high } of samples)
    if (time < DAY_MS) columns.appendWords(WINDOW_START_MS + time, low, high);
  return columns;
});

const series = fc.oneof(metricColumns(WINDOW_START_MS), anything);

function newHead(): Head {
  const seq = { seq: 0, fromOffset: 0 };
  const head = new Head({
    tenant: 't',
    partition: 0,
    windowStartMs: WINDOW_START_MS,
    windowMs: DAY_MS,
    ...seq,
  });
  head.create(1, 2, 3, 4, Labels.of({ __name__: 'up' }));
  return head;
}

function append(head: Head, { timestamps, valueWords }: SampleColumns, i: number, flip = 0) {
  return head.append(0, timestamps[i], valueWords[2 * i] ^ flip, valueWords[2 * i + 1]);
}

test('a selection shows its moment when the chunk that was open has been closed since', () => {
  fc.assert(
    fc.property(series, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (columns, moments) => {
      const head = newHead();
      const at = new Set(moments.map((moment) => Math.floor(moment * columns.length)));
      const taken: [number, HeadSelection][] = [];
      for (let i = 0; i < columns.length; i++) {
        if (at.has(i)) taken.push([i, head.select([], -Infinity, Infinity)]);
        assert.equal(append(head, columns, i), 0);
      }
      const rows = columnRows(columns);
      for (const [count, selection] of taken) {
        const read = readFrames(selection.frames(), -Infinity, Infinity);
        assert.deepEqual(
          read.flatMap(({ samples }) => samples),
          rows.slice(0, count),
        );
        assert.equal(selection.sampleCount, count);
        selection.close();
      }
    }),
  );
});

test('samples are found again in closed chunks bit by bit', () => {
  fc.assert(
    fc.property(series, fc.array(fc.nat(2499), { maxLength: 50 }), (columns, again) => {
      const head = newHead();
      for (let i = 0; i < columns.length; i++) append(head, columns, i);
      for (const place of again) {
        const i = place % columns.length;
        assert.equal(append(head, columns, i), 1);
        assert.equal(append(head, columns, i, 1), 2);
      }
    }),
  );
});

test('a closed chunk is dense if its values are decimals, and takes less than half of the memory', () => {
  const head = newHead();
  for (let i = 0; i < 2000; i++) {
    const words = new Int32Array(Float64Array.of(1e6 + ((i * 7919) % 10_007)).buffer);
    head.append(0, WINDOW_START_MS + i * 15_000, words[0], words[1]);
  }
  const chunks = head.chunks.allChunks(0);
  const closed = chunks.slice(0, -1);
  assert.ok(closed.length > 10);
  assert.ok(closed.every(({ encoding }) => encoding === ENCODING_DENSE));
  const bytes = closed.reduce((sum, { start, end }) => sum + end - start, 0);
  assert.ok(bytes / closed.length < 256 / 2, `${bytes / closed.length} bytes a chunk`);
});
