import assert from 'node:assert/strict';
import test from 'node:test';
import { FIRST_OWN_WORD, LAST_SEEN, SeriesTable } from './series-table.ts';
import { UndoLog } from './undo-log.ts';

const OPTIONS = { ownWords: 1, maxEntries: 1_000_000, staleAfterMinutes: 60, seed: 12345 };

function randomWords(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
  };
}

test('entries are found again while the table grows, others are not', () => {
  const table = new SeriesTable(OPTIONS);
  const word = randomWords(1);
  const keys: [number, number, number, number][] = [];
  for (let i = 0; i < 20_000; i++) {
    const key: (typeof keys)[number] = [word(), word(), word(), word()];
    assert.equal(table.find(...key), -1);
    const at = table.insert(...key, 5);
    table.words[at + FIRST_OWN_WORD] = i;
    keys.push(key);
  }
  assert.equal(table.size, keys.length);
  for (const [i, key] of keys.entries()) {
    const at = table.find(...key);
    assert.equal(table.words[at + FIRST_OWN_WORD], i);
    assert.equal(table.words[at + LAST_SEEN], 5);
    assert.equal(table.find(key[0], key[1], key[2], key[3] ^ 1), -1);
  }
  let visited = 0;
  table.forEach(() => {
    visited++;
  });
  assert.equal(visited, keys.length);
});

test('keys that share many bits stay apart', () => {
  const table = new SeriesTable(OPTIONS);
  for (let i = 0; i < 2_000; i++) table.insert(0, 7, 7, i, 1);
  for (let i = 0; i < 2_000; i++) assert.ok(table.find(0, 7, 7, i) >= 0);
  assert.equal(table.find(0, 7, 7, 2_000), -1);
});

test('undoing removes the entries inserted since the log was opened, and no others', () => {
  const table = new SeriesTable(OPTIONS);
  const undo = new UndoLog();
  const word = randomWords(7);
  const kept: (readonly [number, number, number, number])[] = [];
  for (let round = 0; round < 500; round++) {
    undo.open();
    // Few segments and few homes, so that entries collide.
    const keys = Array.from(
      { length: 1 + (round % 9) },
      () => [word() & 0x40000000, word() & 7, 0, word()] as const,
    );
    for (const key of keys) {
      if (table.find(...key) >= 0) continue;
      table.insert(...key, 5);
      undo.note(table, ...key);
    }
    if (round % 3 > 0) {
      undo.undo();
      for (const key of keys) assert.equal(table.find(...key), -1);
    } else {
      kept.push(...keys);
    }
    undo.keep();
    if (round % 10 === 0) for (const key of kept) assert.ok(table.find(...key) >= 0);
  }
  assert.equal(table.size, kept.length);
  for (const key of kept) assert.ok(table.find(...key) >= 0);
  undo.undo();
  assert.equal(table.size, kept.length, 'kept insertions are not undone');
});

test('stale entries go when every segment has been swept, the others stay', () => {
  const table = new SeriesTable(OPTIONS);
  const word = randomWords(2);
  const keys = Array.from({ length: 5_000 }, () => [word(), word(), word(), word()] as const);
  for (const [i, key] of keys.entries()) table.insert(...key, i % 2 === 0 ? 100 : 130);
  for (let segment = 0; segment < 64; segment++) table.sweep(170);
  assert.equal(table.size, 2_500);
  for (const [i, key] of keys.entries()) assert.equal(table.find(...key) >= 0, i % 2 === 1);
  assert.equal(table.evicted, 0);
});

test('the table never holds more than its bound', () => {
  const table = new SeriesTable({ ...OPTIONS, maxEntries: 6_400 });
  const word = randomWords(3);
  let last: [number, number, number, number] = [0, 0, 0, 0];
  for (let i = 0; i < 50_000; i++) {
    last = [word(), word(), word(), word()];
    table.insert(...last, 10);
    assert.ok(table.size <= 64 * 200);
  }
  assert.ok(table.find(...last) >= 0);
  assert.ok(table.evicted > 0);
  table.clear();
  assert.equal(table.size, 0);
  assert.equal(table.find(...last), -1);
});

test('entries are found in the order they came and in any other, with strangers between', () => {
  const table = new SeriesTable(OPTIONS);
  const word = randomWords(4);
  const keys = Array.from({ length: 3_000 }, () => [word(), word(), word(), word()] as const);
  for (const [i, key] of keys.entries()) {
    const at = table.insert(...key, 5);
    table.words[at + FIRST_OWN_WORD] = i;
  }
  const order = [...keys.keys()];
  for (const some of [order, order, order.toReversed(), order.filter((i) => i % 3 > 0)]) {
    for (const i of some) {
      const at = table.find(...keys[i]);
      assert.equal(table.words[at + FIRST_OWN_WORD], i);
      if (i % 7 === 0) assert.equal(table.find(word(), word(), word(), word()), -1);
    }
  }
});

test('random insertions, sightings and sweeps leave what a map would hold', () => {
  const table = new SeriesTable(OPTIONS);
  const word = randomWords(5);
  const expected = new Map<number, number>();
  for (let minute = 1; minute < 1_500; minute++) {
    for (let n = 0; n < 40; n++) {
      // A series lives for a while; 300 at a time.
      const i = 2 * minute + ((word() >>> 8) % 300);
      const found = table.find(i << 26, i, 0, i);
      assert.equal(found >= 0, expected.has(i));
      const at = found >= 0 ? found : table.insert(i << 26, i, 0, i, minute);
      table.words[at + FIRST_OWN_WORD] = i;
      table.words[at + LAST_SEEN] = minute;
      expected.set(i, minute);
    }
    if (minute % 20 !== 0) continue;
    for (let segment = 0; segment < 64; segment++) table.sweep(minute);
    for (const [i, seen] of expected) if (seen < minute - 60) expected.delete(i);
    const held = new Map<number, number>();
    table.forEach((words, at) => {
      held.set(words[at + FIRST_OWN_WORD], words[at + LAST_SEEN]);
    });
    assert.deepEqual(new Map([...held].sort()), new Map([...expected].sort()));
    assert.equal(table.size, expected.size);
  }
});
