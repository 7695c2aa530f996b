import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareUtf8, Labels, Matcher } from '@xscaler/model';
import fc from 'fast-check';
import { BlockReader } from '../block/block-reader.ts';
import { DamagedBlockError } from '../block/damaged-block-error.ts';
import { writeBlock } from '../block-writing/block-writer.ts';
import { Head } from '../head/head.ts';
import { SERIES_WORK, STEP_WORK } from '../memory/work-steps.ts';
import { blockOfHead, collectBlock, PartsInMemory } from '../testing/block-parts.ts';
import {
  type Append,
  appends,
  appendTo,
  bounds,
  MODEL_LABELS,
  matcherSets,
  readFrames,
  slotOf,
  TENANT,
  WINDOW_MS,
  WINDOW_START_MS,
  wordsOfId,
} from '../testing/head-model.ts';
import { maskFrame } from '../tombstone/masked-frame.ts';
import { SeriesMask, type Tombstone } from '../tombstone/tombstones.ts';
import { mergeBlocks } from './block-merge.ts';
import type { MergeInput } from './merge-input.ts';

const signal = new AbortController().signal;
const EVERYTHING = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

function headOf(fromOffset: number, windowStartMs = WINDOW_START_MS): Head {
  const identity = { tenant: TENANT, partition: 3, seq: fromOffset, fromOffset };
  return new Head({ ...identity, windowStartMs, windowMs: WINDOW_MS });
}

function inputOf(head: Head, tombstones: readonly Tombstone[] = []): MergeInput {
  const { partition, fromOffset } = head;
  const source = new PartsInMemory(blockOfHead(head).parts);
  return { blockId: `b-${fromOffset}`, partition, fromOffset, source, tombstones };
}

async function framesOf(reader: BlockReader): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for await (const frame of reader.select([], ...EVERYTHING, signal)) frames.push(frame);
  return frames;
}

/** What readers see of the inputs together. */
async function seen(inputs: readonly MergeInput[], startMs: number, endMs: number) {
  const frames: Uint8Array[] = [];
  for (const input of inputs) {
    const mask = new SeriesMask(input.tombstones);
    for (const frame of await framesOf(new BlockReader(input, input.source))) {
      const masked = maskFrame(frame, mask);
      if (masked !== undefined) frames.push(masked);
    }
  }
  return readFrames(frames, startMs, endMs);
}

const tombstones: fc.Arbitrary<Tombstone[]> = fc.array(
  fc
    .tuple(
      matcherSets.filter((sets) => sets.length > 0),
      bounds,
    )
    .map(([sets, [startMs, endMs]]) => ({ matcherSets: sets, startMs, endMs })),
  { maxLength: 3 },
);

test('a merged block says what its inputs say together, less what tombstones hide', async () => {
  const inputs = fc.array(
    fc.record({ appended: appends(150), hidden: tombstones, window: fc.nat({ max: 1 }) }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(inputs, bounds, async (described, [startMs, endMs]) => {
      const opened = described.map(({ appended, hidden, window }, i) => {
        const shiftMs = window * WINDOW_MS;
        const head = headOf(10 * i, WINDOW_START_MS + shiftMs);
        for (const one of appended) appendTo(head, { ...one, timestampMs: one.timestampMs + shiftMs });
        return inputOf(head, hidden);
      });
      const { parts, summary } = await collectBlock(mergeBlocks(opened, signal));
      const expected = await seen(opened, ...EVERYTHING);
      assert.equal(summary.seriesCount, expected.length);
      const samples = expected.flatMap((one) => one.samples);
      assert.equal(summary.sampleCount, samples.length);
      assert.equal(
        summary.minTimeMs,
        samples.reduce((least, [t]) => Math.min(least, t), Number.POSITIVE_INFINITY),
      );
      assert.equal(
        summary.maxTimeMs,
        samples.reduce((most, [t]) => Math.max(most, t), Number.NEGATIVE_INFINITY),
      );
      assert.equal(parts.length > 0, expected.length > 0);
      if (expected.length === 0) return;
      const merged = { ...opened[0], source: new PartsInMemory(parts), tombstones: [] };
      assert.deepEqual(await seen([merged], ...EVERYTHING), expected);
      assert.deepEqual(await seen([merged], startMs, endMs), await seen(opened, startMs, endMs));
      const reader = new BlockReader(merged, merged.source);
      const labels = (await reader.series([], signal)).map(String).sort(compareUtf8);
      assert.deepEqual(labels, expected.map((one) => one.labels).sort(compareUtf8));
      const jobs = MODEL_LABELS.filter((one) => labels.includes(one.toString())).map((one) => one.get('job'));
      assert.deepEqual(
        await reader.labelValues('job', [], signal),
        [...new Set(jobs)].filter((job) => job !== '').sort(compareUtf8),
      );
    }),
    { numRuns: 40 },
  );
});

test('merging again, alone or in another grouping, changes nothing that is read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(appends(80), { minLength: 3, maxLength: 3 }), async (lists) => {
      const inputs = lists.map((appended: readonly Append[], i) => {
        const head = headOf(10 * i);
        for (const one of appended) appendTo(head, one);
        slotOf(head, 0);
        head.append(0, WINDOW_START_MS + i, i, i);
        return inputOf(head);
      });
      const merged = async (some: readonly MergeInput[]): Promise<MergeInput> => {
        const { parts } = await collectBlock(mergeBlocks(some, signal));
        return { ...some[0], source: new PartsInMemory(parts) };
      };
      const expected = await seen(inputs, ...EVERYTHING);
      const pairwise = await merged([await merged(inputs.slice(0, 2)), inputs[2]]);
      assert.deepEqual(await seen([pairwise], ...EVERYTHING), expected);
      assert.deepEqual(await seen([await merged([pairwise])], ...EVERYTHING), expected);
    }),
    { numRuns: 30 },
  );
});

/** Series enough for several groups, pages and parts, with an exemplar on every tenth. */
function largeHead(fromOffset: number, first: number, count: number): Head {
  const head = headOf(fromOffset);
  for (let i = first; i < first + count; i++) {
    const labels = Labels.of({ __name__: `metric_${i % 20}`, job: `job-${i % 7}`, pod: `pod-${i}` });
    const [w0, w1, w2, w3] = wordsOfId(labels);
    const slot = head.create(w0, w1, w2, w3, labels);
    for (let step = 0; step < 20; step++)
      head.append(slot, WINDOW_START_MS + step * 30_000 + fromOffset, i * step * 7919, i ^ step);
    if (i % 10 !== 0) continue;
    const exemplar = {
      labels: Labels.of({ trace: `t${i % 5}` }),
      value: i,
      timestampMs: WINDOW_START_MS + 5,
    };
    head.appendExemplar(slot, exemplar);
  }
  return head;
}

test('large blocks merge with their labels, postings and exemplars, each exemplar once', async () => {
  const heads = [largeHead(0, 0, 5000), largeHead(1, 2500, 5000)];
  const { parts, summary } = await collectBlock(
    mergeBlocks(
      heads.map((head) => inputOf(head)),
      signal,
    ),
  );
  assert.equal(summary.seriesCount, 7500);
  assert.equal(summary.sampleCount, 200_000);
  assert.ok(parts.filter(({ kind }) => kind === 'chunks').length > 1);
  const reader = new BlockReader({ ...heads[0], blockId: 'm' }, new PartsInMemory(parts));
  assert.equal((await reader.labelValues('pod', [], signal)).length, 7500);
  for (const [name, value] of [
    ['pod', 'pod-3000'],
    ['job', 'job-3'],
    ['__name__', 'metric_7'],
  ]) {
    const found = await reader.series([[new Matcher('=', name, value)]], signal);
    const expected = Array.from({ length: 7500 }, (_, i) => i).filter(
      (i) => ({ pod: `pod-${i}`, job: `job-${i % 7}`, __name__: `metric_${i % 20}` })[name] === value,
    );
    assert.equal(found.length, expected.length);
    assert.ok(found.every((labels) => labels.get(name) === value));
  }
  const exemplars = await reader.exemplars([], ...EVERYTHING, signal);
  assert.equal(exemplars.length, 750);
  assert.ok(exemplars.every((one) => one.exemplars.length === 1));
  assert.ok(
    exemplars.every(({ labels, exemplars: [one] }) => labels.get('pod') === `pod-${one.value}`),
    'each with its own series',
  );
});

test('what a tombstone hides takes its exemplars, its label values and its series along', async () => {
  const head = largeHead(0, 0, 200);
  const hidden: Tombstone = {
    matcherSets: [[new Matcher('=~', 'pod', 'pod-1.*')]],
    startMs: WINDOW_START_MS,
    endMs: WINDOW_START_MS + WINDOW_MS,
  };
  const { parts, summary } = await collectBlock(mergeBlocks([inputOf(head, [hidden])], signal));
  assert.equal(summary.seriesCount, 200 - 111);
  const reader = new BlockReader({ ...head, blockId: 'm' }, new PartsInMemory(parts));
  assert.ok((await reader.labelValues('pod', [], signal)).every((value) => !value.startsWith('pod-1')));
  const exemplars = await reader.exemplars([], ...EVERYTHING, signal);
  assert.deepEqual(
    exemplars.map(({ exemplars: [one] }) => one.value).sort((a, b) => a - b),
    [0, 20, 30, 40, 50, 60, 70, 80, 90],
  );
});

test('nothing comes of inputs of which nothing is left', async () => {
  const hidden: Tombstone = { matcherSets: [[new Matcher('!=', 'pod', '')]], startMs: 0, endMs: 4e12 };
  const { parts, summary } = await collectBlock(
    mergeBlocks([inputOf(largeHead(0, 0, 20), [hidden])], signal),
  );
  assert.deepEqual(parts, []);
  assert.equal(summary.seriesCount, 0);
});

test('a damaged part of an input ends the merge and is named', async () => {
  const input = inputOf(largeHead(0, 0, 300));
  const { parts } = input.source as PartsInMemory;
  for (const key of parts.keys()) {
    const whole = parts.get(key) as Uint8Array;
    const damaged = whole.slice();
    damaged[damaged.length >> 1] ^= 1;
    parts.set(key, damaged);
    await assert.rejects(collectBlock(mergeBlocks([input], signal)), (error: DamagedBlockError) => {
      assert.ok(error instanceof DamagedBlockError);
      return `${error.kind}/${error.number}` === key;
    });
    parts.set(key, whole);
  }
});

test('an aborted merge ends', async () => {
  const reason = new Error('enough');
  const inputs = [inputOf(largeHead(0, 0, 300))];
  await assert.rejects(collectBlock(mergeBlocks(inputs, AbortSignal.abort(reason))), reason);
});

test('writing a block and merging blocks pause after each step of work', async () => {
  const head = largeHead(0, 0, 5000);
  const pausesOf = async (steps: Iterable<unknown> | AsyncIterable<unknown>) => {
    let pauses = 0;
    for await (const step of steps) if (step === undefined) pauses++;
    return pauses;
  };
  // Series alone take this many steps, when they are numbered and when they are written.
  const leastPauses = Math.floor((5000 * SERIES_WORK) / STEP_WORK);
  assert.ok((await pausesOf(writeBlock(head))) >= leastPauses);
  assert.ok((await pausesOf(mergeBlocks([inputOf(head)], signal))) >= leastPauses);
});
