import assert from 'node:assert/strict';
import test from 'node:test';
import { UndoLog } from './undo-log.ts';

function setUp() {
  const undo = new UndoLog();
  const undone: number[][] = [];
  const target = { undo: (...words: number[]) => undone.push(words) };
  return { undo, undone, target };
}

test('changes are undone once, the latest first, in any number', () => {
  const { undo, undone, target } = setUp();
  for (const count of [3, 1_000, 20_000, 5]) {
    undone.length = 0;
    undo.open();
    for (let i = 0; i < count; i++) undo.note(target, i, -i, 2 ** 31 - 1, -(2 ** 31));
    undo.undo();
    undo.undo();
    const expected = Array.from({ length: count }, (_, i) => [i, -i, 2 ** 31 - 1, -(2 ** 31)]).reverse();
    assert.deepEqual(
      undone.map(([a, b, c, d]) => [a, b + 0, c, d]),
      expected.map(([a, b, c, d]) => [a, b + 0, c, d]),
    );
  }
});

test('changes that are kept, or made while the log is closed, are not undone', () => {
  const { undo, undone, target } = setUp();
  undo.note(target, 1);
  undo.open();
  undo.note(target, 2);
  undo.keep();
  undo.note(target, 3);
  undo.undo();
  undo.open();
  undo.note(target, 4);
  undo.open();
  undo.undo();
  assert.deepEqual(undone, []);
});

test('an action runs when changes are kept, at once while the log is closed, and never after an undo', () => {
  const { undo } = setUp();
  const ran: string[] = [];
  undo.whenKept(() => ran.push('closed'));
  undo.open();
  undo.whenKept(() => ran.push('undone'));
  undo.undo();
  undo.open();
  undo.whenKept(() => ran.push('kept'));
  assert.deepEqual(ran, ['closed']);
  undo.keep();
  undo.keep();
  assert.deepEqual(ran, ['closed', 'kept']);
});
