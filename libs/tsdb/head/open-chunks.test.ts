import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SampleColumns } from '@xscaler/model';
import fc from 'fast-check';
import type { ChunkView } from '../chunk/chunk.ts';
import { ChunkDecoder } from '../chunk/chunk-decoder.ts';
import { STATE_BITS_MASK, STATE_COUNT, STATE_PACKED, STATE_TIME, STATE_WORDS } from '../chunk/xor-chunk.ts';
import { PagePool } from '../memory/page-pool.ts';
import { type RawSample, rawSamples } from '../testing/sample-arbitraries.ts';
import { OpenChunks } from './open-chunks.ts';

const WINDOW_START_MS = 1_700_000_000_000;
const SLOTS = 3;

/** Appends to slots in turn, what to which is chosen by the property; one that is full is dropped and begun again. */
class Filled {
  readonly open = new OpenChunks(WINDOW_START_MS, new PagePool(0));
  readonly samples: RawSample[][] = [];

  constructor(slots = SLOTS) {
    for (let slot = 0; slot < slots; slot++) {
      this.open.addSlot(slot);
      this.samples.push([]);
    }
  }

  append(slot: number, sample: RawSample): void {
    if (!this.open.append(slot, sample.time, sample.low, sample.high)) {
      assert.deepEqual(samplesOf(this.open.view(slot)), this.samples[slot]);
      this.open.drop(slot);
      this.samples[slot] = [];
      assert.ok(this.open.append(slot, sample.time, sample.low, sample.high));
    }
    this.samples[slot].push(sample);
  }
}

function samplesOf(view: ChunkView): RawSample[] {
  const columns = new SampleColumns();
  new ChunkDecoder().decodeInto(columns, view, -Infinity, Infinity);
  const { timestamps, valueWords } = columns;
  return Array.from({ length: columns.length }, (_, i) => ({
    time: timestamps[i] - WINDOW_START_MS,
    low: valueWords[2 * i] | 0,
    high: valueWords[2 * i + 1] | 0,
  }));
}

const ofSlots = fc.tuple(
  ...Array.from({ length: SLOTS }, () => rawSamples({ minLength: 1, maxLength: 200 })),
);

test('what was appended to a slot is in its chunk, whatever other slots got between and where fragments lay before', () => {
  fc.assert(
    fc.property(ofSlots, fc.infiniteStream(fc.nat(SLOTS - 1)), (samples, turns) => {
      const filled = new Filled();
      const left = samples.map((own) => [...own].reverse());
      for (const turn of turns) {
        const slot = left[turn].length > 0 ? turn : left.findIndex(({ length }) => length > 0);
        if (slot < 0) break;
        filled.append(slot, left[slot].pop() as RawSample);
      }
      for (let slot = 0; slot < SLOTS; slot++) {
        const view = filled.open.view(slot);
        assert.deepEqual(samplesOf(view), filled.samples[slot]);
        assert.equal(filled.open.firstTime(slot), filled.samples[slot][0].time);
        assert.equal(view.minTimeMs, WINDOW_START_MS + filled.samples[slot][0].time);
      }
    }),
  );
});

test('a chunk is read as before at an earlier moment', () => {
  fc.assert(
    fc.property(rawSamples({ minLength: 2, maxLength: 100 }), fc.nat(), (samples, moment) => {
      const { open } = new Filled(1);
      let mark: { bits: number; time: number; count: number } | undefined;
      for (const [i, { time, low, high }] of samples.entries()) {
        if (!open.append(0, time, low, high)) break;
        if (i !== moment % samples.length) continue;
        const [packed, last, count] = [STATE_PACKED, STATE_TIME, STATE_COUNT].map((word) => open.state[word]);
        mark = { bits: packed & STATE_BITS_MASK, time: last, count };
      }
      if (mark === undefined) return;
      const view = open.prefix(0, mark.bits, mark.time, mark.count);
      assert.deepEqual(samplesOf(view), samples.slice(0, mark.count));
      assert.equal(view.maxTimeMs, WINDOW_START_MS + mark.time);
    }),
  );
});

test('a sample that does not fit changes nothing', () => {
  const filled = new Filled(1);
  let time = 0;
  while (filled.open.append(0, ++time, Math.imul(time, 0x9e3779b1), Math.imul(time, 0x85ebca6b)));
  const state = filled.open.state.slice(0, STATE_WORDS);
  const before = samplesOf(filled.open.view(0));
  assert.equal(filled.open.append(0, time, 1, 2), false);
  assert.deepEqual(filled.open.state.slice(0, STATE_WORDS), state);
  assert.deepEqual(samplesOf(filled.open.view(0)), before);
});

test('the fragments of dropped chunks are used again', () => {
  const filled = new Filled();
  const fill = () => {
    for (let time = 1; time <= 2_000; time++)
      for (let slot = 0; slot < SLOTS; slot++)
        filled.append(slot, { time: round * 2_000 + time, low: Math.imul(time, 0x9e3779b1), high: time });
  };
  let round = 0;
  fill();
  const bytes = filled.open.byteSize;
  for (round = 1; round <= 10; round++) fill();
  assert.equal(filled.open.byteSize, bytes);
});
