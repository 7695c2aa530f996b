import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SABOTAGE } from './sabotage.ts';

const PROGRAM = fileURLToPath(new URL('./simulate.ts', import.meta.url));

/** A process of its own: in it, time is not the test runner's. */
function simulated(...args: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', PROGRAM, ...args],
      (_error, stdout, stderr) => resolve({ code: child.exitCode, output: stdout + stderr }),
    );
  });
}

test('a hundred seeds keep every promise', async (t) => {
  const { code, output } = await simulated('--seed', '1', '--runs', '100');
  t.diagnostic(output.trim());
  assert.equal(code, 0, output);
  assert.match(output, /^100 runs, 0 failed: /m);
});

test('a seed tells the same story again', async () => {
  const first = await simulated('--seed', '7', '--story');
  const second = await simulated('--seed', '7', '--story');
  assert.ok(first.output.split('\n').length > 50, first.output);
  assert.equal(second.output, first.output);
});

for (const name of Object.keys(SABOTAGE)) {
  test(`a broken invariant is noticed: ${name}`, async () => {
    const { code, output } = await simulated('--seed', '1', '--runs', '10', '--sabotage', name);
    assert.equal(code, 1, output);
    assert.match(output, /^seed \d+: /m);
  });
}
