import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packageFaults } from './package-arrows.ts';

const messagesOf = (path: string, source: string) =>
  packageFaults(path, source).map((fault) => fault.message);

const allowed: [path: string, source: string][] = [
  ['libs/wire/remote-write.ts', "import { Labels } from '@xscaler/model';"],
  ['libs/promql/evaluator.ts', "import type { Queryable } from '@xscaler/storage';"],
  ['libs/promql/evaluator.ts', "export { Parser } from './parser/parser.ts';"],
  ['libs/promql/parser/parser.ts', "import { Lexer } from '../lexer.ts';"],
  ['libs/promql/evaluator.ts', "/**\n * import { x } from '@xscaler/tsdb';\n */\n// Date.now()"],
  ['libs/promql/evaluator.ts', 'const at = new Date(timeMs); // as Date.now() gives it'],
  ['libs/promql/evaluator.test.ts', "import { fakeQueryable } from '@xscaler/testkit';\nDate.now();"],
  ['libs/promql/evaluator.test.ts', "import { readFileSync } from 'node:fs';"],
  ['libs/tsdb/digest.ts', "import { createHash } from 'node:crypto';"],
  ['libs/writelog/sqlite-log.ts', "import { DatabaseSync } from 'node:sqlite';"],
  ['libs/testkit/index.ts', "import { Evaluator } from '@xscaler/promql';"],
  ['services/querier/modules.ts', "import { Evaluator } from '@xscaler/promql';"],
  ['services/querier/pool.ts', "new Worker(new URL('./worker.ts', import.meta.url));"],
  ['services/all/modules.ts', "import { startGateway } from '@xscaler/gateway';"],
  ['simulator/processes.ts', "import { Ingester } from '@xscaler/ingester';"],
  ['bench/ingest.ts', "import { Xscaler } from '@xscaler/e2e/harness';"],
  ['e2e/kill.test.ts', "import { samples } from '@xscaler/testkit';\nsetTimeout(() => {}, 1);"],
];

const refused: [path: string, source: string, message: string][] = [
  ['libs/promql/scan.ts', "import { Head } from '@xscaler/tsdb';", 'promql may not import tsdb'],
  ['libs/promql/scan.ts', "import {\n  Head,\n} from '@xscaler/tsdb';", 'promql may not import tsdb'],
  ['libs/promql/scan.ts', "export * from '@xscaler/tsdb';", 'promql may not import tsdb'],
  ['libs/promql/scan.ts', "await import('@xscaler/tsdb');", 'promql may not import tsdb'],
  ['libs/promql/scan.test.ts', "import { Head } from '@xscaler/tsdb';", 'promql may not import tsdb'],
  ['libs/model/labels.ts', "import { Reader } from '@xscaler/encoding';", 'model may not import encoding'],
  ['libs/newcomer/index.ts', "import { Labels } from '@xscaler/model';", 'newcomer may not import model'],
  ['libs/tsdb/head.ts', "import { seeded } from '@xscaler/testkit';", 'testkit is for tests alone'],
  ['services/querier/modules.ts', "import { x } from '@xscaler/testkit';", 'testkit is for tests alone'],
  [
    'libs/tsdb/head.ts',
    "import { Head } from '@xscaler/tsdb';",
    'tsdb imports itself by name: use a relative path',
  ],
  [
    'services/querier/modules.ts',
    "import { Ingester } from '@xscaler/ingester';",
    'service querier may not import service ingester',
  ],
  ['e2e/kill.test.ts', "import { Ingester } from '@xscaler/ingester';", 'e2e may not import ingester'],
  [
    'libs/tsdb/head.ts',
    "import { Labels } from '../model/labels.ts';",
    '../model/labels.ts leaves the package: import it by its name, @xscaler/…',
  ],
  [
    'services/querier/pool.ts',
    "new Worker(new URL('../../libs/promql/worker.ts', import.meta.url));",
    '../../libs/promql/worker.ts leaves the package: import it by its name, @xscaler/…',
  ],
  ['libs/tsdb/head.ts', "import { open } from 'node:fs';", 'tsdb is pure and may not import node:fs'],
  [
    'libs/tsdb/head.ts',
    "import { open } from 'node:fs/promises';",
    'tsdb is pure and may not import node:fs/promises',
  ],
  ['libs/tsdb/head.ts', 'const nowMs = Date.now();', 'tsdb is pure and may not use Date.now'],
  ['libs/wire/pool.ts', '  setTimeout(drain, 5);', 'wire is pure and may not use setTimeout'],
];

test('imports along the arrows pass', () => {
  for (const [path, source] of allowed) assert.deepEqual(messagesOf(path, source), [], `${path}: ${source}`);
});

test('imports against the arrows are refused', () => {
  for (const [path, source, message] of refused)
    assert.deepEqual(messagesOf(path, source), [message], `${path}: ${source}`);
});

test('a fault names the line', () => {
  const source = "import { a } from './a.ts';\n\nimport { Head } from '@xscaler/tsdb';\n";
  assert.deepEqual(packageFaults('libs/promql/scan.ts', source), [
    { path: 'libs/promql/scan.ts', line: 3, message: 'promql may not import tsdb' },
  ]);
});
