import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeOutcomes, readGaps, runDirectory } from '../libs/testkit/promqltest.ts';

/**
 * Runs scripts of Prometheus' PromQL test language.
 *
 *     node scripts/conformance.ts [--dir DIR] [--only PART] [--verbose]
 *
 * Fails if a case fails that is not in libs/promql/testdata/known-gaps.txt, or a listed one passes.
 */
const root = dirname(import.meta.dirname);
const { values } = parseArgs({
  options: {
    dir: { type: 'string', default: join(root, '../shared/promqltest') },
    only: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
  },
});

const directory = resolve(values.dir);
if (!existsSync(directory)) {
  console.error(`no directory ${directory}: give one with --dir`);
  process.exit(2);
}
const outcomes = await runDirectory(directory, values.only);
let passed = 0;
let total = 0;
for (const { file, cases } of outcomes) {
  const good = cases.filter((one) => one.fault === undefined).length;
  passed += good;
  total += cases.length;
  console.log(`${file}: ${good} of ${cases.length} pass`);
}
console.log(`all: ${passed} of ${total} pass`);

const gaps = readGaps(join(root, 'libs/promql/testdata/known-gaps.txt'));
const relevant = gaps.filter((name) => outcomes.some(({ file }) => name.startsWith(`${file}:`)));
const { broken, outdated } = judgeOutcomes(outcomes, relevant);
for (const { name, query, fault } of broken) {
  console.error(`FAIL ${name} ${query}`);
  if (values.verbose) console.error(`     ${fault}`);
}
for (const name of outdated) console.error(`listed as a gap, but passes: ${name}`);
if (broken.length > 0 || outdated.length > 0) process.exitCode = 1;
