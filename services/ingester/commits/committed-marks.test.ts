import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommittedMarks } from './committed-marks.ts';

test('the result is the latest instant whose end the resume offset has reached', () => {
  const marks = new CommittedMarks();
  assert.equal(marks.reached(100), undefined);
  marks.add(1_000, 10);
  marks.add(2_000, 20);
  marks.add(3_000, 30);
  assert.equal(marks.reached(9), undefined);
  assert.deepEqual(marks.reached(29), { timeMs: 2_000, endOffset: 20 });
  assert.deepEqual(marks.reached(29), { timeMs: 2_000, endOffset: 20 });
  assert.deepEqual(marks.reached(30), { timeMs: 3_000, endOffset: 30 });
});

test('without writes the instant advances', () => {
  const marks = new CommittedMarks();
  marks.add(1_000, 10);
  marks.add(2_000, 10);
  assert.deepEqual(marks.reached(10), { timeMs: 2_000, endOffset: 10 });
});

test('however many marks there are, an instant never has an end below its own', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(3), { minLength: 1, maxLength: 6_000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (steps, part) => {
        const marks = new CommittedMarks();
        const ends: number[] = [];
        for (const step of steps) {
          ends.push((ends.at(-1) ?? 0) + step);
          marks.add(ends.length - 1, ends[ends.length - 1]);
        }
        const resumeOffset = Math.floor(part * ends[ends.length - 1]);
        const mark = marks.reached(resumeOffset);
        if (mark !== undefined)
          assert.ok(ends[mark.timeMs] <= mark.endOffset && mark.endOffset <= resumeOffset);
      },
    ),
  );
});
