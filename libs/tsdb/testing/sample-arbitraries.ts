import { SampleColumns } from '@xscaler/model';
import fc from 'fast-check';

/** A sample as an appender takes it: a time relative to the window, a value's words, signed. */
export interface RawSample {
  readonly time: number;
  readonly low: number;
  readonly high: number;
}

const word = fc.integer();
const special: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, 0x80000000 | 0], // -0
  [1, 0], // the smallest subnormal
  [0, 0x7ff00000], // +Inf
  [0, 0xfff00000 | 0],
  [1, 0x7ff80000], // Prometheus' quiet NaN
  [2, 0x7ff00000], // stale
  [0x12345678, 0x7ff4dead], // a signalling NaN with a payload
];

function wordsOf(value: number): readonly [number, number] {
  const words = new Int32Array(Float64Array.of(value).buffer);
  return [words[0], words[1]];
}

/** Any 64 bits, with those that break codecs more often than chance has it. */
export const valueWords: fc.Arbitrary<readonly [number, number]> = fc.oneof(
  fc.constantFrom(...special),
  fc.tuple(word, word),
  fc.double().map(wordsOf),
  fc.integer({ min: -1000, max: 1_000_000 }).map(wordsOf),
  fc.integer({ min: 0, max: 100_000 }).map((n) => wordsOf(n / 1000)),
);

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(15_000, 30_000) },
  { weight: 3, arbitrary: fc.integer({ min: 14_900, max: 15_100 }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 200_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 5_000_000 }) },
);

/** Samples at strictly increasing times. */
export function rawSamples(length: { minLength: number; maxLength: number }): fc.Arbitrary<RawSample[]> {
  return fc.array(fc.tuple(step, valueWords), length).map((steps) => {
    let time = 0;
    return steps.map(([by, [low, high]], i) => {
      if (i > 0) time += by;
      return { time, low, high };
    });
  });
}

/** Series like real ones, from `originMs` on for a day at most: decimals that walk, with gaps, jitter, resets, and staleness markers strewn in. */
export function metricColumns(originMs: number): fc.Arbitrary<SampleColumns> {
  return fc
    .record({
      count: fc.integer({ min: 1, max: 2500 }),
      exponent: fc.integer({ min: 0, max: 6 }),
      step: fc.constantFrom(0, 1, 40, 3_000_000, 2 ** 40),
      multiple: fc.constantFrom(1, 1, 3, 25, 4096),
      from: fc.constantFrom(0, -5, 1_000_000, 2 ** 49),
      jitterMs: fc.constantFrom(0, 0, 5, 900),
      gapEvery: fc.constantFrom(0, 50, 400),
      staleEvery: fc.constantFrom(0, 0, 7, 300),
      resetEvery: fc.constantFrom(0, 90),
      random: fc.infiniteStream(fc.nat(1_000_000)),
    })
    .map(({ count, exponent, step, multiple, from, jitterMs, gapEvery, staleEvery, resetEvery, random }) => {
      const next = () => random.next().value / 1_000_000;
      const columns = new SampleColumns();
      let integer = from;
      for (let i = 0; i < count; i++) {
        const gap = gapEvery > 0 ? Math.floor(i / gapEvery) * 120_000 : 0;
        const timestampMs = originMs + i * 15_000 + gap + Math.floor(next() * jitterMs);
        integer = resetEvery > 0 && i % resetEvery === 0 ? 0 : integer + Math.floor(next() * step);
        if (staleEvery > 0 && i % staleEvery === staleEvery - 1)
          columns.appendWords(timestampMs, 2, 0x7ff00000);
        else columns.append(timestampMs, (integer * multiple) / 10 ** exponent);
      }
      return columns;
    });
}
