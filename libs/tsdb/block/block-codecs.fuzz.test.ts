import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteWriter, DecodeError } from '@xscaler/encoding';
import fc from 'fast-check';
import { decodeExemplars } from './block-exemplars-codec.ts';
import { decodeIndex, decodeLeaf, encodeIndex, exemplarPageReader, readValuePage } from './block-index.ts';
import { decodeList, decodeSymbols } from './block-labels-codec.ts';
import { decodeGroup, encodeGroup, type GroupPage, type GroupSeries } from './block-series-codec.ts';
import { packPage, unpackPage } from './chunk-pages.ts';

const slice = fc.record(
  { number: fc.nat(9), offset: fc.nat(300_000), length: fc.constant(1_000_000), checksum: fc.nat() },
  { noNullPrototype: true },
);
const chunk = fc.record(
  {
    encoding: fc.constantFrom(1, 2, 3),
    start: fc.nat(100_000),
    duration: fc.nat(1_000_000),
    count: fc.nat(2000),
    byteLength: fc.nat(5000),
  },
  { noNullPrototype: true },
);
const ORIGIN_MS = 1_700_000_000_000;

/** Groups as blocks have them: neighbours share labels and bounds of chunks. */
const group: fc.Arbitrary<{ series: GroupSeries[]; pages: GroupPage[] }> = fc
  .tuple(
    fc.array(
      fc.tuple(
        fc.array(fc.integer(), { minLength: 4, maxLength: 4 }),
        fc.uniqueArray(fc.nat(40), { maxLength: 6 }),
        fc.array(chunk, { maxLength: 3 }),
        fc.boolean(),
      ),
      { minLength: 1, maxLength: 32 },
    ),
    fc.array(slice, { minLength: 1, maxLength: 4 }),
    fc.constantFrom(0, 900_000),
  )
  .map(([given, slices, expandedLength]) => {
    const series: GroupSeries[] = [];
    for (const [id, pairs, chunks, isLikeBefore] of given) {
      let fromMs = ORIGIN_MS;
      const bounds = chunks.map(({ encoding, start, duration, count, byteLength }) => {
        const minTimeMs = fromMs + start;
        fromMs = minTimeMs + duration;
        return { encoding, minTimeMs, maxTimeMs: fromMs, count, byteLength };
      });
      const like = isLikeBefore ? series.at(-1)?.chunks : undefined;
      series.push({ id: Int32Array.from(id), pairs: pairs.sort((a, b) => a - b), chunks: like ?? bounds });
    }
    const total = series.reduce((sum, { chunks }) => sum + chunks.length, 0);
    const each = Math.ceil(total / slices.length);
    return { series, pages: slices.map((one) => ({ chunkCount: each, expandedLength, slice: one })) };
  });

test('groups come back as they were written', () => {
  fc.assert(
    fc.property(group, ({ series, pages }) => {
      const writer = new ByteWriter(256);
      encodeGroup(writer, series, pages, ORIGIN_MS);
      const entries = decodeGroup(writer.take(), ORIGIN_MS);
      assert.deepEqual(
        entries.map(({ id, pairs, chunks }) => ({
          id,
          pairs,
          chunks: chunks.map(({ page, offset, ...bounds }) => bounds),
        })),
        series,
      );
      let at = 0;
      for (const { chunks } of entries) {
        for (const { page } of chunks) {
          const expected = pages[Math.floor(at++ / pages[0].chunkCount)];
          assert.deepEqual(page, expected);
        }
      }
    }),
  );
});

test('pages come back, whether they shrink or not, and damaged ones are refused', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 3000 }),
      fc.integer({ min: 1, max: 20 }),
      fc.nat(),
      (bytes, times, at) => {
        const page = new Uint8Array(bytes.length * times);
        for (let i = 0; i < times; i++) page.set(bytes, i * bytes.length);
        const { bytes: stored, expandedLength } = packPage(page);
        const where = {
          expandedLength,
          slice: { number: 0, offset: 0, length: stored.length, checksum: 0 },
        };
        assert.deepEqual(new Uint8Array(unpackPage(stored, where)), page);
        if (expandedLength === 0) return;
        const damaged = Uint8Array.from(stored);
        damaged[at % damaged.length] ^= 1 + (at % 255);
        try {
          assert.equal(unpackPage(damaged, where).length, page.length);
        } catch (error) {
          assert.ok(error instanceof DecodeError, String(error));
        }
        assert.throws(
          () => unpackPage(stored, { ...where, expandedLength: expandedLength - 1 }),
          DecodeError,
        );
        assert.throws(
          () => unpackPage(stored, { ...where, expandedLength: expandedLength + 1 }),
          DecodeError,
        );
      },
    ),
  );
});

/** Decoders of a block's parts: what they may meet behind a right checksum is whatever a wrong program wrote. */
const decoders: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  group: (bytes) => decodeGroup(bytes, 0),
  index: decodeIndex,
  'leaf of values': (bytes) => decodeLeaf(bytes, readValuePage),
  'leaf of exemplars': (bytes) => decodeLeaf(bytes, exemplarPageReader(3)),
  'leaf of exemplars, version 2': (bytes) => decodeLeaf(bytes, exemplarPageReader(2)),
  symbols: decodeSymbols,
  postings: (bytes) => decodeList(bytes, 0, bytes.length, 1000),
  exemplars: decodeExemplars,
};

function refusedOrRead(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    assert.ok(error instanceof DecodeError, String((error as Error).stack));
  }
}

for (const [name, decode] of Object.entries(decoders)) {
  test(`arbitrary bytes as ${name} are refused or read, without crash or hang`, () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => refusedOrRead(decode, bytes)),
      { numRuns: 1000 },
    );
  });
}

test('damaged groups and indexes are refused or read, without crash or hang', () => {
  fc.assert(
    fc.property(group, fc.nat(), fc.integer({ min: 1, max: 255 }), ({ series, pages }, at, by) => {
      const writer = new ByteWriter(256);
      encodeGroup(writer, series, pages, ORIGIN_MS);
      const index = encodeIndex({
        seriesCount: series.length,
        sampleCount: 1,
        minTimeMs: ORIGIN_MS,
        maxTimeMs: ORIGIN_MS,
        names: [
          {
            name: 'job',
            valueCount: 3,
            pages: undefined,
            leaves: [{ firstValue: 'a', valueCount: 3, slice: pages[0].slice }],
          },
        ],
        groups: { inline: pages.map((page) => page.slice), leaves: [] },
        exemplarPages: { inline: undefined, leaves: [pages[0].slice] },
      });
      for (const [decode, bytes] of [
        [decoders.group, writer.take()],
        [decoders.index, index],
      ] as const) {
        bytes[at % bytes.length] ^= by;
        refusedOrRead(decode, bytes);
      }
    }),
    { numRuns: 500 },
  );
});
