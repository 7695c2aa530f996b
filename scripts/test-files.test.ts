import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { inTurn, testFiles } from './test-files.ts';

let root: string;

before(() => {
  root = mkdtempSync(join(tmpdir(), 'xscaler-test-files-'));
  const paths = [
    'libs/tsdb/head.ts',
    'libs/tsdb/head.test.ts',
    'libs/tsdb/node_modules/@xscaler/model/labels.test.ts',
    'libs/wire/varint.fuzz.test.ts',
    'services/all/main.test.ts',
    'e2e/compare.prometheus.test.ts',
    'bench/ingest.ts',
  ];
  for (const path of paths) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), '');
  }
});

after(() => rmSync(root, { recursive: true }));

test('without arguments every test file outside node_modules is found', () => {
  assert.deepEqual(testFiles(root, []), [
    'e2e/compare.prometheus.test.ts',
    'libs/tsdb/head.test.ts',
    'libs/wire/varint.fuzz.test.ts',
    'services/all/main.test.ts',
  ]);
});

test('arguments name files, folders and globs', () => {
  assert.deepEqual(testFiles(root, ['libs/tsdb/']), ['libs/tsdb/head.test.ts']);
  assert.deepEqual(testFiles(root, ['services/all/main.test.ts']), ['services/all/main.test.ts']);
  assert.deepEqual(testFiles(root, ['libs/*/*.fuzz.test.ts', 'e2e']), [
    'e2e/compare.prometheus.test.ts',
    'libs/wire/varint.fuzz.test.ts',
  ]);
});

test('an argument without tests is an error', () => {
  assert.throws(() => testFiles(root, ['bench']), /no test files in bench/);
});

test('files that wait are spread among the others, and none is lost', () => {
  const files = ['a1', 'a2', 'b1', 'b2', 'b3', 'b4', 'b5'];
  const isA = (path: string) => path.startsWith('a');
  assert.deepEqual(inTurn(files, isA), ['a1', 'b1', 'b2', 'b3', 'a2', 'b4', 'b5']);
  assert.deepEqual(
    inTurn(files, () => false),
    files,
  );
  assert.deepEqual(
    inTurn(files, () => true),
    files,
  );
});
