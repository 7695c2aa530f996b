import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FOLDER_ARROWS, fileCircles, folderCircles, folderFaults } from './folder-arrows.ts';

const table = { 'libs/tsdb': { memory: [], chunk: [], head: ['chunk', 'memory'], '.': ['head'] } };
const isFrontDoor = (path: string) => path === 'libs/tsdb/index.ts';
const messagesOf = (path: string, source: string) =>
  folderFaults(path, source, isFrontDoor, table).map(({ message }) => message);

test('imports along the arrows between folders pass', () => {
  const allowed: [path: string, source: string][] = [
    ['libs/tsdb/head/head.ts', "import { Chunk } from '../chunk/chunk.ts';"],
    ['libs/tsdb/head/head.ts', "import { Notes } from './notes.ts';"],
    ['libs/tsdb/head/deeper/notes.ts', "import { Head } from '../head.ts';"],
    ['libs/tsdb/index.ts', "export { Chunk } from './chunk/chunk.ts';"],
    ['libs/tsdb/tsdb.ts', "import { Head } from './head/head.ts';"],
    ['libs/tsdb/chunk/chunk.test.ts', "import { Head } from '../head/head.ts';"],
    ['libs/tsdb/testing/model.ts', "import { Head } from '../head/head.ts';"],
    ['e2e/kill.test.ts', "import { Xscaler } from './harness/xscaler.ts';"],
    ['libs/model/labels.ts', "import { Label } from './label.ts';"],
  ];
  for (const [path, source] of allowed) assert.deepEqual(messagesOf(path, source), [], `${path}: ${source}`);
});

test('imports against the arrows between folders are refused', () => {
  const refused: [path: string, source: string, message: string][] = [
    [
      'libs/tsdb/chunk/chunk.ts',
      "import type { Head } from '../head/head.ts';",
      'folder chunk of libs/tsdb may not import folder head',
    ],
    [
      'libs/tsdb/memory/pool.ts',
      "import { a } from '../a.ts';",
      'folder memory of libs/tsdb may not import the root',
    ],
    [
      'libs/tsdb/tsdb.ts',
      "import { Chunk } from './chunk/chunk.ts';",
      'the root of libs/tsdb may not import folder chunk',
    ],
    ['libs/tsdb/tsdb.ts', "import { Head } from './index.ts';", 'index.ts is for other packages'],
    ['libs/tsdb/attic/old.ts', '', 'folder attic of libs/tsdb has no row in scripts/arrows/folder-arrows.ts'],
    [
      'libs/model/attic/old.ts',
      '',
      'folder attic of libs/model has no row in scripts/arrows/folder-arrows.ts',
    ],
  ];
  for (const [path, source, message] of refused)
    assert.deepEqual(messagesOf(path, source), [message], `${path}: ${source}`);
});

test('a table whose folders import each other is refused', () => {
  assert.deepEqual(folderCircles({ 'libs/tsdb': { head: ['block'], block: ['chunk'], chunk: ['head'] } }), [
    'libs/tsdb: folders block, chunk, head import each other',
  ]);
});

test('the folders of this repository form no circle', () => {
  assert.deepEqual(folderCircles(FOLDER_ARROWS), []);
});

test('files that load each other are refused, files that only name each other are not', () => {
  const sources = new Map([
    ['libs/a/one.ts', "import { two } from './two.ts';"],
    ['libs/a/two.ts', "import { three } from './deep/three.ts';"],
    ['libs/a/deep/three.ts', "import { one } from '../one.ts';"],
    ['libs/a/four.ts', "import type { Five } from './five.ts';"],
    ['libs/a/five.ts', "import { four } from './four.ts';"],
  ]);
  assert.deepEqual(fileCircles(sources), [
    'these files load each other: libs/a/deep/three.ts, libs/a/one.ts, libs/a/two.ts',
  ]);
});
