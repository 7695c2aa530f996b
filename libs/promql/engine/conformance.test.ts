import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');
const directory = join(root, '../shared/promqltest');
const skip = existsSync(directory)
  ? false
  : 'needs ../shared/promqltest, the scripts of Prometheus’ own PromQL tests';

/** Runs a directory of scripts. */
function run(scripts: string): { status: number | null; stderr: string } {
  const script = join(root, 'scripts/conformance.ts');
  const args = ['--disable-warning=ExperimentalWarning', script, '--dir', scripts, '--verbose'];
  return spawnSync(process.execPath, args, { encoding: 'utf8' });
}

test('Prometheus’ own PromQL tests pass, but for the known gaps', { skip }, () => {
  const { status, stderr } = run(directory);
  assert.equal(status, 0, stderr);
});

test('our own cases in that language pass', () => {
  const { status, stderr } = run(join(import.meta.dirname, '../testdata/cases'));
  assert.equal(status, 0, stderr);
});
