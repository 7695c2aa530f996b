import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { MatchType } from '@xscaler/model';
import fc from 'fast-check';
import { collect, never, READ, ScriptedIngester, until } from '../test-peers/scripted-ingester.ts';
import type { IngesterApi, IngesterExemplars, IngesterRead, MetadataRead } from './ingester-api.ts';

/** Serves an ingester and connects to it, until the test ends. */
export type ConnectIngester = (t: TestContext, served: IngesterApi) => Promise<IngesterApi>;

/** What holds for an ingester behind any connection. */
export function testIngesterContract(half: string, connect: ConnectIngester): void {
  const start = async (t: TestContext) => {
    const served = new ScriptedIngester();
    return { served, api: await connect(t, served) };
  };
  testReads(half, start);
  testAnswers(half, start);
  testFrames(half, start);
  testErrors(half, start);
  testCancellation(half, start);
}

type Start = (t: TestContext) => Promise<{ served: ScriptedIngester; api: IngesterApi }>;

const MATCH_TYPES: readonly MatchType[] = ['=', '!=', '=~', '!~'];

const times = fc.oneof(
  fc.maxSafeInteger(),
  fc.constantFrom(0, -1, -8_640_000_000_000_000, 8_640_000_000_000_000, 2 ** 31, 2 ** 32, -(2 ** 32)),
);
const texts = fc.oneof(fc.string(), fc.string({ unit: 'grapheme' }), fc.constantFrom('', '\0', 'ä€😀'));
const offsets = fc.dictionary(fc.nat(10_000).map(String), fc.maxSafeNat(), { noNullPrototype: true });
const partitions = fc.option(fc.array(fc.nat(10_000)), { nil: undefined });
const commit = fc.record({ number: fc.maxSafeNat(), id: texts }, { noNullPrototype: true });
const commits = fc.option(
  fc.dictionary(fc.nat(10_000).map(String), commit, { noNullPrototype: true, minKeys: 1 }),
  { nil: undefined },
);
const requestId = fc.option(fc.stringMatching(/^[A-Za-z0-9._-]{1,64}$/), { nil: undefined });
const matchers = fc.record(
  { type: fc.constantFrom(...MATCH_TYPES), name: texts, value: texts },
  { noNullPrototype: true },
);
const reads: fc.Arbitrary<IngesterRead> = fc
  .record({
    tenant: texts,
    matcherSets: fc.array(fc.array(matchers, { maxLength: 4 }), { maxLength: 4 }),
    startMs: times,
    endMs: times,
    minOffsets: offsets,
    partitions,
    commits,
    maxBytes: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    requestId,
  })
  .map(
    ({ commits: known, maxBytes, requestId: id, ...read }): IngesterRead => ({
      ...withoutAbsent(read),
      ...(id !== undefined && { requestId: id }),
      ...(known !== undefined && { commits: known }),
      ...(maxBytes !== undefined && { maxBytes }),
    }),
  );

function withoutAbsent<T extends { partitions?: readonly number[] | undefined }>(read: T) {
  const { partitions: some, ...rest } = read;
  return some === undefined ? rest : { ...rest, partitions: some };
}

function testReads(half: string, start: Start): void {
  test(`${half}: a read arrives as it was made`, async (t) => {
    const { served, api } = await start(t);
    await fc.assert(
      fc.asyncProperty(reads, texts, async (read, name) => {
        served.reads.length = 0;
        await collect(api.select(read, never));
        await api.labelNames(read, never);
        await api.labelValues({ ...read, name }, never);
        await api.series(read, never);
        await api.exemplars(read, never);
        assert.deepEqual(served.reads, [read, read, { ...read, name }, read, read]);
      }),
      { numRuns: 40 },
    );
  });

  test(`${half}: a count of series arrives as it was made`, async (t) => {
    const { served, api } = await start(t);
    await fc.assert(
      fc.asyncProperty(reads, fc.option(fc.array(texts), { nil: undefined }), async (read, names) => {
        const made = names === undefined ? read : { ...read, names };
        await api.cardinality(made, never);
        assert.deepEqual(served.reads.pop(), made);
      }),
      { numRuns: 40 },
    );
  });

  test(`${half}: a read of metadata arrives as it was made`, async (t) => {
    const { served, api } = await start(t);
    const metadataReads = fc.record({
      tenant: texts,
      metric: fc.option(texts, { nil: undefined }),
      minOffsets: offsets,
      partitions,
      requestId,
    });
    await fc.assert(
      fc.asyncProperty(metadataReads, async ({ requestId: id, ...made }) => {
        const named = id === undefined ? {} : { requestId: id };
        const read = { ...withoutAbsent(made), ...named } as MetadataRead;
        await api.metadata(read, never);
        const arrived = served.reads.pop() as MetadataRead;
        assert.deepEqual(arrived, read);
      }),
      { numRuns: 40 },
    );
  });
}

function testAnswers(half: string, start: Start): void {
  test(`${half}: answers come as they are given`, async (t) => {
    const { served, api } = await start(t);
    await fc.assert(
      fc.asyncProperty(fc.array(texts), fc.array(fc.array(texts)), async (strings, sets) => {
        served.strings = strings;
        served.labelSets = sets;
        served.metrics = strings.map((metric) => ({ metric, type: 'gauge', help: 'ä', unit: '' }));
        assert.deepEqual(await api.labelNames(READ, never), strings);
        assert.deepEqual(await api.labelValues({ ...READ, name: 'job' }, never), strings);
        assert.deepEqual(await api.series(READ, never), sets);
        assert.deepEqual(
          await api.metadata({ tenant: 'a', metric: undefined, minOffsets: {} }, never),
          served.metrics,
        );
      }),
      { numRuns: 40 },
    );
  });

  test(`${half}: exemplars keep every double and time`, async (t) => {
    const { served, api } = await start(t);
    const values = [
      Number.NaN,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      -0,
      0,
      5e-324,
      0.1,
      1e308,
    ];
    const stamps = [0, -1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 1_700_000_000_123, 1, 2, 3];
    const series: IngesterExemplars = {
      labels: ['__name__', 'x'],
      exemplars: values.map((value, i) => ({ labels: ['trace', `${i}`], value, timestampMs: stamps[i] })),
    };
    served.exemplarSeries = [series, { labels: [], exemplars: [{ labels: [], value: 1, timestampMs: 1 }] }];
    assert.deepEqual(await api.exemplars(READ, never), served.exemplarSeries);
  });

  test(`${half}: a series may have more exemplars than a message takes`, async (t) => {
    const { served, api } = await start(t);
    const exemplars = Array.from({ length: 100_000 }, (_, i) => ({
      labels: ['trace_id', `${i}`.padStart(128, '0')],
      value: i,
      timestampMs: i,
    }));
    served.exemplarSeries = [{ labels: ['__name__', 'x'], exemplars }];
    const found = await api.exemplars(READ, never);
    assert.ok(found.every(({ labels }) => labels.join() === '__name__,x'));
    assert.deepEqual(
      found.flatMap((one) => one.exemplars),
      exemplars,
    );
  });

  test(`${half}: counts of series come as they are given, however many`, async (t) => {
    const { served, api } = await start(t);
    const many = Array.from({ length: 40_000 }, (_, i) => `${i} `.padEnd(30, 'x'));
    const counts = many.map((_, i) => i * 1_000_003);
    served.cardinalities = [
      { partition: 0, seriesCount: 0, chunkCount: 0, minTimeMs: 0, maxTimeMs: 0, labels: [] },
      {
        partition: 7,
        seriesCount: Number.MAX_SAFE_INTEGER,
        chunkCount: 12,
        minTimeMs: -5,
        maxTimeMs: 1_700_000_000_000,
        labels: [
          { name: '__name__', values: ['', 'ä€😀'], seriesCounts: [1, 2] },
          { name: 'id', values: many, seriesCounts: counts },
          { name: 'job', values: ['a'], seriesCounts: [3] },
        ],
      },
      {
        partition: 8,
        seriesCount: 1,
        chunkCount: 1,
        minTimeMs: 1,
        maxTimeMs: 2,
        labels: [{ name: 'job', values: ['b'], seriesCounts: [1] }],
      },
    ];
    assert.deepEqual(await api.cardinality(READ, never), structuredClone(served.cardinalities));
    served.cardinalities = [];
    assert.deepEqual(await api.cardinality(READ, never), []);
  });

  test(`${half}: ids of active series come as they are given, however many`, async (t) => {
    const { served, api } = await start(t);
    const read = { tenant: 'ä', minOffsets: { 3: 7 }, partitions: [3, 4], requestId: 'req-7' };
    for (const length of [0, 16, 16 * 700_000]) {
      served.ids = Uint8Array.from({ length }, (_, i) => i * 31);
      const ids = await api.activeIds(read, never);
      assert.ok(Buffer.from(served.ids).equals(ids), `${length} bytes`);
    }
    assert.deepEqual(served.reads.pop(), read);
  });

  test(`${half}: a list may be far larger than a message`, async (t) => {
    const { served, api } = await start(t);
    served.strings = Array.from({ length: 12_000 }, (_, i) => `${i} `.padEnd(1000, 'x'));
    served.labelSets = served.strings.map((text) => ['name', text]);
    assert.deepEqual(await api.labelValues({ ...READ, name: 'job' }, never), served.strings);
    assert.deepEqual(await api.series(READ, never), served.labelSets);
  });
}

function testFrames(half: string, start: Start): void {
  test(`${half}: frames of all sizes arrive byte for byte, in order`, async (t) => {
    const { served, api } = await start(t);
    const sizes = [0, 1, 1024 * 1024, 4 * 1024 * 1024, 9 * 1024 * 1024 + 1, 65_535, 0];
    served.frames = sizes.map((size, i) => patternOf(size, i));
    await assertFrames(await collect(api.select(READ, never)), served.frames);
  });

  test(`${half}: a slow reader gets every frame, and holds up the ingester meanwhile`, async (t) => {
    const { served, api } = await start(t);
    const scripts = fc.array(fc.record({ size: fc.nat(300_000), pauseMs: fc.nat(3) }), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(scripts, async (script) => {
        served.frames = script.map(({ size }, i) => patternOf(size, i));
        const read: Uint8Array[] = [];
        for await (const frame of api.select(READ, never)) {
          read.push(frame.slice());
          const { pauseMs } = script[read.length - 1];
          if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
        }
        await assertFrames(read, served.frames);
      }),
      { numRuns: 15 },
    );
  });

  test(`${half}: an ingester doesn't run far ahead of its reader`, async (t) => {
    const { served, api } = await start(t);
    served.frames = Array.from({ length: 60 }, (_, i) => patternOf(500_000, i));
    let read = 0;
    let aheadMost = 0;
    for await (const frame of api.select(READ, never)) {
      assert.equal(frame[0], read % 251);
      // Time enough for everything that could come to come.
      if (read < 10) await new Promise((resolve) => setTimeout(resolve, 30));
      read++;
      aheadMost = Math.max(aheadMost, served.framesMade - read);
    }
    assert.equal(read, 60);
    assert.ok(aheadMost <= 10, `${aheadMost} frames ahead`);
  });
}

function testErrors(half: string, start: Start): void {
  test(`${half}: errors come with name, message and code`, async (t) => {
    const { served, api } = await start(t);
    served.error = Object.assign(new RangeError('too far – \ud800 €'), { code: 'out_of_range' });
    served.frames = [patternOf(10, 0), patternOf(20, 1)];
    const expected = { name: 'RangeError', code: 'out_of_range', message: /too far/ };
    await assert.rejects(api.labelNames(READ, never), expected);
    await assert.rejects(api.series(READ, never), expected);
    const frames: Uint8Array[] = [];
    await assert.rejects(async () => {
      for await (const frame of api.select(READ, never)) frames.push(frame);
    }, expected);
    await assertFrames(frames, served.frames);
    served.error = 'just text';
    await assert.rejects(api.labelNames(READ, never), { name: 'Error', message: 'just text' });
    served.error = new Error('long '.repeat(100_000));
    await assert.rejects(api.labelNames(READ, never), { message: /^long long/ });
    served.error = undefined;
    assert.deepEqual(await api.labelNames(READ, never), []);
  });
}

function testCancellation(half: string, start: Start): void {
  test(`${half}: aborting a call rejects it with the reason and aborts the signal over there`, async (t) => {
    const { served, api } = await start(t);
    served.hangs = true;
    const reason = new Error('enough');
    const canceler = new AbortController();
    const call = api.labelNames(READ, canceler.signal);
    await until(() => served.signals.length === 1);
    canceler.abort(reason);
    await assert.rejects(call, reason);
    await until(() => served.signals[0].aborted);
  });

  test(`${half}: aborting a stream in the middle ends it on both sides`, async (t) => {
    const { served, api } = await start(t);
    served.hangs = true;
    served.frames = [patternOf(10, 0)];
    const reason = new Error('enough');
    const canceler = new AbortController();
    const frames = api.select(READ, canceler.signal)[Symbol.asyncIterator]();
    assert.equal((await frames.next()).done, false);
    const pending = frames.next();
    canceler.abort(reason);
    await assert.rejects(pending, reason);
    await until(() => served.signals[0].aborted && served.selectsLeft === 1);
  });

  test(`${half}: leaving a stream that nobody reads ends it over there`, async (t) => {
    const { served, api } = await start(t);
    served.frames = Array.from({ length: 60 }, (_, i) => patternOf(500_000, i));
    for await (const _frame of api.select(READ, never)) break;
    await until(() => served.selectsLeft === 1);
    assert.ok(served.framesMade < 60);
    assert.ok(served.signals[0].aborted);
  });

  test(`${half}: a call that is cancelled before it began is never made`, async (t) => {
    const { served, api } = await start(t);
    const reason = new Error('enough');
    const signal = AbortSignal.abort(reason);
    await assert.rejects(api.labelNames(READ, signal), reason);
    await assert.rejects(collect(api.select(READ, signal)), reason);
    await api.labelNames(READ, never);
    assert.equal(served.reads.length, 1);
  });
}

export function patternOf(size: number, seed: number): Uint8Array {
  const frame = new Uint8Array(size);
  for (let i = 0; i < size; i++) frame[i] = (seed + i * 7) % 251;
  return frame;
}

async function assertFrames(actual: readonly Uint8Array[], expected: readonly Uint8Array[]): Promise<void> {
  assert.deepEqual(
    actual.map((frame) => frame.byteLength),
    expected.map((frame) => frame.byteLength),
  );
  for (let i = 0; i < actual.length; i++)
    assert.equal(Buffer.compare(actual[i], expected[i]), 0, `frame ${i}`);
}
