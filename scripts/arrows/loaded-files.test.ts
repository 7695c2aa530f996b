import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { loadedFiles } from './loaded-files.ts';

const root = dirname(dirname(import.meta.dirname));

/** Loaded files of each package or folder that a thread must do without: each thread pays for what it loads. */
function unwanted(entry: string, prefixes: readonly string[]): string[] {
  return [...loadedFiles(root, entry)].filter((path) => prefixes.some((prefix) => path.startsWith(prefix)));
}

test('an ingester thread loads no codec of requests and no query engine', () => {
  const prefixes = [
    'libs/wire/otlp',
    'libs/wire/remote-',
    'libs/promql',
    'services/distributor',
    'services/querier',
  ];
  assert.deepEqual(unwanted('services/all/threads/ingester.ts', prefixes), []);
});

test('an evaluation thread loads no codec of writes', () => {
  const prefixes = ['libs/wire/otlp', 'libs/wire/log-record', 'services/distributor', 'services/ingester'];
  assert.deepEqual(unwanted('services/querier/evaluation/evaluation-thread.ts', prefixes), []);
});

test('what a file loads is found through packages and folders', () => {
  const loaded = loadedFiles(root, 'services/all/threads/distributor.ts');
  for (const path of [
    'libs/wire/otlp/metrics-reader.ts',
    'libs/wire/log-record/writer.ts',
    'libs/model/labels.ts',
  ])
    assert.ok(loaded.has(path), path);
});
