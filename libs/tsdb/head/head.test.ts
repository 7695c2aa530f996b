import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareUtf8, Labels, Matcher } from '@xscaler/model';
import fc from 'fast-check';
import {
  type Append,
  appends,
  appendTo,
  bounds,
  HeadModel,
  MODEL_LABELS,
  matcherSets,
  readFrames,
  slotOf,
  TENANT,
  WINDOW_MS,
  WINDOW_START_MS,
  wordsOfId,
} from '../testing/head-model.ts';
import { Head } from './head.ts';
import { HeadMemory } from './head-memory.ts';

function newHead(memory?: HeadMemory): Head {
  const options = {
    tenant: TENANT,
    partition: 3,
    windowStartMs: WINDOW_START_MS,
    windowMs: WINDOW_MS,
    seq: 0,
  };
  return new Head({ ...options, fromOffset: 17, ...(memory && { memory }) });
}

function fill(head: Head, appended: readonly Append[]): HeadModel {
  const model = new HeadModel();
  for (const append of appended) assert.equal(appendTo(head, append), model.append(append));
  return model;
}

function readHead(head: Head, sets: Matcher[][], startMs: number, endMs: number, maxBytes?: number) {
  using selection = head.select(sets, startMs, endMs);
  return readFrames(selection.frames(maxBytes), startMs, endMs);
}

test('a head holds what a plain map holds, under any matchers and bounds', () => {
  fc.assert(
    fc.property(
      appends(400),
      fc.array(fc.tuple(matcherSets, bounds), { maxLength: 5 }),
      (appended, reads) => {
        const head = newHead();
        const model = fill(head, appended);
        const everything = model.read([], -Infinity, Infinity);
        assert.equal(head.seriesCount, everything.length);
        assert.equal(
          head.sampleCount,
          everything.reduce((sum, { samples }) => sum + samples.length, 0),
        );
        assert.equal(head.sampleCount + head.duplicateCount + head.conflictCount, appended.length);
        const times = appended.map(({ timestampMs }) => timestampMs);
        assert.equal(head.minTimeMs, Math.min(...times));
        assert.equal(head.maxTimeMs, Math.max(...times));
        assert.deepEqual(readHead(head, [], -Infinity, Infinity, 500), everything);
        for (const [sets, [startMs, endMs]] of reads)
          assert.deepEqual(readHead(head, sets, startMs, endMs), model.read(sets, startMs, endMs));
      },
    ),
  );
});

test('label names, values and series follow the matchers', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(MODEL_LABELS.length - 1)), matcherSets, (created, sets) => {
      const head = newHead();
      const model = new HeadModel();
      for (const series of created) {
        slotOf(head, series);
        model.series.set(series, new Map());
      }
      const labels = model.matching(sets).map((series) => MODEL_LABELS[series]);
      const names = [...new Set(labels.flatMap((set) => [...set].map(([name]) => name)))].sort(compareUtf8);
      assert.deepEqual(head.labelNames(sets), names);
      for (const name of ['__name__', 'job', 'absent']) {
        const values = new Set(labels.map((set) => set.get(name)).filter((value) => value !== ''));
        assert.deepEqual(head.labelValues(name, sets), [...values].sort(compareUtf8));
      }
      assert.deepEqual(new Set(head.seriesLabels(sets).map(String)), new Set(labels.map(String)));
    }),
  );
});

test('a selection shows its moment, whatever is appended before its frames are made', () => {
  fc.assert(
    fc.property(appends(300), appends(600), (before, after) => {
      const head = newHead();
      const model = fill(head, before);
      const expected = model.read([], -Infinity, Infinity);
      using selection = head.select([], -Infinity, Infinity);
      const frames = selection.frames(300);
      const seen = [];
      const third = Math.ceil(after.length / 3);
      for (let i = 0; i < 3; i++) {
        for (const append of after.slice(i * third, (i + 1) * third)) appendTo(head, append);
        const frame = frames.next();
        if (!frame.done) seen.push(frame.value);
      }
      seen.push(...frames);
      assert.deepEqual(readFrames(seen, -Infinity, Infinity), expected);
      assert.equal(
        selection.sampleCount,
        expected.reduce((sum, { samples }) => sum + samples.length, 0),
      );
    }),
  );
});

test('a series of many chunks keeps them all in order, and old duplicates are found in closed ones', () => {
  const head = newHead();
  const slot = slotOf(head, 0);
  for (let i = 0; i < 5000; i++) assert.equal(head.append(slot, WINDOW_START_MS + i * 1000, i * 7919, i), 0);
  for (const i of [0, 1, 2500, 4998, 4999]) {
    assert.equal(head.append(slot, WINDOW_START_MS + i * 1000, i * 7919, i), 1);
    assert.equal(head.append(slot, WINDOW_START_MS + i * 1000, i * 7919, i + 1), 2);
  }
  const [series] = readHead(head, [], WINDOW_START_MS + 1000, WINDOW_START_MS + 4_998_000);
  assert.deepEqual(
    series.samples,
    Array.from({ length: 4998 }, (_, k) => [
      WINDOW_START_MS + (k + 1) * 1000,
      ((k + 1) * 7919) | 0,
      k + 1,
      '',
    ]),
  );
});

test('words are taken signed or unsigned alike', () => {
  const head = newHead();
  const id = new Uint32Array(wordsOfId(MODEL_LABELS[1]).buffer);
  const slot = head.create(id[0], id[1], id[2], id[3], MODEL_LABELS[1]);
  assert.equal(head.find(id[0] | 0, id[1] | 0, id[2] | 0, id[3] | 0), slot);
  assert.equal(head.append(slot, WINDOW_START_MS, 0xfffffffe, 0x80000000), 0);
  assert.equal(head.append(slot, WINDOW_START_MS, -2, -0x80000000), 1);
  assert.ok(head.matchesLabels(slot, MODEL_LABELS[1]));
  assert.ok(!head.matchesLabels(slot, MODEL_LABELS[2]));
  assert.ok(!head.matchesLabels(slot, Labels.EMPTY));
  assert.ok(head.labelsOf(slot).equals(MODEL_LABELS[1]));
});

test('thousands of series are found again, each by its own postings', () => {
  const head = newHead();
  const all = Array.from({ length: 3000 }, (_, i) =>
    Labels.of({ __name__: 'm', pod: `p${i}`, shard: `${i % 7}` }),
  );
  for (const labels of all) {
    const [w0, w1, w2, w3] = wordsOfId(labels);
    assert.equal(head.find(w0, w1, w2, w3), -1);
    head.append(head.create(w0, w1, w2, w3, labels), WINDOW_START_MS, 1, 2);
  }
  const selected = (...matchers: Matcher[]) => head.seriesLabels([matchers]).map(String);
  const wanted = all.filter((labels) => labels.get('shard') === '3').map(String);
  assert.deepEqual(selected(new Matcher('=', 'shard', '3')), wanted);
  assert.deepEqual(selected(new Matcher('=', 'shard', '3'), new Matcher('=', 'pod', 'p10')), [
    String(all[10]),
  ]);
  const rest = all
    .filter((labels) => labels.get('pod').startsWith('p1') && labels.get('shard') !== '0')
    .map(String);
  assert.deepEqual(selected(new Matcher('=~', 'pod', 'p1.*'), new Matcher('!=', 'shard', '0')), rest);
  all.forEach((labels, slot) => {
    const [w0, w1, w2, w3] = wordsOfId(labels);
    assert.equal(head.find(w0, w1, w2, w3), slot);
  });
});

test('samples outside the window are refused', () => {
  const head = newHead();
  const slot = slotOf(head, 0);
  for (const t of [WINDOW_START_MS - 1, WINDOW_START_MS + WINDOW_MS, Number.NaN, 0, 2 ** 62])
    assert.throws(() => head.append(slot, t, 0, 0), RangeError);
  assert.equal(head.sampleCount, 0);
});

test('all exemplars of a series are kept, by time and each once', () => {
  const head = newHead();
  const slot = slotOf(head, 0);
  const exemplar = (i: number) => ({
    labels: Labels.of({ trace_id: `t${i}` }),
    value: i,
    timestampMs: WINDOW_START_MS + i,
  });
  const given = [5, 1, 3, 2, 4, 6, 7, 8, 9, 10, 0, 11];
  for (const i of given) assert.ok(head.appendExemplar(slot, exemplar(i)));
  for (const i of given) assert.ok(!head.appendExemplar(slot, exemplar(i)));
  assert.ok(head.appendExemplar(slot, { ...exemplar(11), value: Number.NaN }));
  assert.ok(!head.appendExemplar(slot, { ...exemplar(11), value: Number.NaN }));
  assert.ok(head.appendExemplar(slot, { ...exemplar(0), value: -0 }), 'which is not 0');
  const [found] = head.exemplars([], WINDOW_START_MS + 1, WINDOW_START_MS + 10);
  assert.deepEqual(
    found.exemplars.map(({ value }) => value),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  assert.equal(head.exemplarCount, 14);
  assert.deepEqual([...head.exemplars([[new Matcher('=', 'job', 'none')]], -Infinity, Infinity)], []);
  assert.throws(
    () => head.appendExemplar(slot, { ...exemplar(0), timestampMs: WINDOW_START_MS - 1 }),
    RangeError,
  );
});

test('of exemplars of records below version 3 the ten youngest of a series are kept, each once', () => {
  const head = newHead();
  const slot = slotOf(head, 0);
  const append = (i: number) =>
    head.appendYoungestExemplar(slot, {
      labels: Labels.of({ trace_id: `t${i}` }),
      value: i,
      timestampMs: WINDOW_START_MS + i,
    });
  for (const i of [5, 1, 3, 2, 4, 6, 7, 8, 9, 10]) assert.ok(append(i));
  assert.ok(!append(5));
  assert.ok(!append(0));
  assert.ok(append(11));
  const [found] = head.exemplars([], -Infinity, Infinity);
  assert.deepEqual(
    found.exemplars.map(({ value }) => value),
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
  );
});

test('pages are free again once the last reader is done, and the head refuses everything after', () => {
  const memory = new HeadMemory(1024 * 1024);
  const head = newHead(memory);
  const slot = slotOf(head, 0);
  head.append(slot, WINDOW_START_MS + 5, 1, 2);
  const selection = head.select([], -Infinity, Infinity);
  head.release();
  head.release();
  assert.equal(memory.pages.freeBytes, 0);
  assert.equal(readFrames(selection.frames(), -Infinity, Infinity)[0].samples.length, 1);
  selection.close();
  selection.close();
  assert.ok(memory.pages.freeBytes > 0);
  assert.throws(() => [...selection.frames()], /closed/);
  assert.throws(() => head.append(slot, WINDOW_START_MS + 6, 1, 2), /released/);
  assert.throws(() => head.select([], 0, 1), /released/);
  const [reused, free] = [newHead(memory), memory.pages.freeBytes];
  reused.append(slotOf(reused, 1), WINDOW_START_MS + 5, -1, -1);
  assert.ok(memory.pages.freeBytes < free);
  assert.equal(readHead(reused, [], -Infinity, Infinity)[0].samples[0][1], -1);
});
