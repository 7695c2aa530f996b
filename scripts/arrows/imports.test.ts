import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, onlyReexports } from './imports.ts';

test('every way to name a module is found, with its kind and line', () => {
  const source = [
    "import './polyfill.ts';",
    "import type { A } from './a.ts';",
    'import {',
    '  type B,',
    '  c,',
    "} from './b.ts';",
    "export * from './d.ts';",
    "export type { E } from './e.ts';",
    "import * as f from './f.ts';",
    "const g = await import('./g.ts');",
    "new Worker(new URL('./h.ts', import.meta.url));",
  ].join('\n');
  assert.deepEqual(importsOf(source), [
    { specifier: './polyfill.ts', line: 1, kind: 'value' },
    { specifier: './a.ts', line: 2, kind: 'type' },
    { specifier: './b.ts', line: 6, kind: 'value' },
    { specifier: './d.ts', line: 7, kind: 'value' },
    { specifier: './e.ts', line: 8, kind: 'type' },
    { specifier: './f.ts', line: 9, kind: 'value' },
    { specifier: './g.ts', line: 10, kind: 'deferred' },
    { specifier: './h.ts', line: 11, kind: 'deferred' },
  ]);
});

test('comments name no modules', () => {
  const source = "/**\n * import { a } from './a.ts';\n */\n// import './b.ts';\nimport './c.ts';\n";
  assert.deepEqual(
    importsOf(source).map(({ specifier, line }) => `${line} ${specifier}`),
    ['5 ./c.ts'],
  );
});

test('a file that only re-exports is told from one with code', () => {
  const door =
    "/** The package. */\nexport { a } from './a.ts';\nexport type {\n  B,\n} from './b.ts';\nexport * from './c.ts';\n";
  assert.equal(onlyReexports(door), true);
  assert.equal(onlyReexports(`${door}export const d = 1;\n`), false);
});
