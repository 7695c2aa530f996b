import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Labels } from '@xscaler/model';
import fc from 'fast-check';
import { SeriesTable } from '../head/series-table.ts';
import { seriesOrder, sortInSteps } from './series-order.ts';

function run<T>(steps: Generator<undefined, T, void>): { value: T; pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const step = steps.next();
    if (step.done) return { value: step.value, pauses };
  }
}

test('sorting in steps sorts, keeps equal ones in their order, and pauses', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 5000, size: 'max' }), (given) => {
      // The value above, the place below: what is compared is the value alone.
      const list = Uint32Array.from(given, (value, i) => value * 8192 + i);
      const { value } = run(sortInSteps(list.slice(), (a, b) => (a >>> 13) - (b >>> 13)));
      assert.deepEqual(value, list.slice().sort());
    }),
    { numRuns: 50 },
  );
  const list = Uint32Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 100_000);
  const { value, pauses } = run(sortInSteps(list, (a, b) => a - b));
  assert.ok(value.every((number, i) => number === i));
  assert.ok(pauses > 100, `${pauses} pauses`);
});

const text = fc.constantFrom('a', 'b', 'ab', 'z', '\u{1f600}', '\uffff', 'é');
const labels = fc.dictionary(text, text, { minKeys: 1, maxKeys: 4 }).map((pairs) => Labels.of({ ...pairs }));

test('series come in the order in which Prometheus sorts labels', () => {
  fc.assert(
    fc.property(fc.uniqueArray(labels, { selector: String, maxLength: 30 }), (sets) => {
      const table = new SeriesTable();
      for (const [i, one] of sets.entries()) table.create(i, i, i, i, one);
      const byLabel = [...Array(table.pairCount).keys()].map((pair) =>
        Labels.of({ [table.pairName(pair)]: table.pairValue(pair) }),
      );
      const pairNumbers = new Uint32Array(table.pairCount);
      const order = [...byLabel.keys()].sort((a, b) => byLabel[a].compare(byLabel[b]));
      for (const [number, pair] of order.entries()) pairNumbers[pair] = number;
      const { value } = run(seriesOrder({ ids: table.ids, pairNumbers, ...table.pairColumns }, sets.length));
      const expected = sets.toSorted((a, b) => a.compare(b)).map(String);
      assert.deepEqual(
        [...value].map((slot) => String(sets[slot])),
        expected,
      );
    }),
  );
});
