import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const MODULE = JSON.stringify(new URL('./boot-leftovers.ts', import.meta.url).href);

/** Runs `code` in a process of its own with `dropBootLeftovers` in its scope; what it prints. */
function printed(flags: readonly string[], code: string): string {
  const script = `const { dropBootLeftovers } = await import(${MODULE}); ${code}`;
  const args = ['--disable-warning=ExperimentalWarning', ...flags, '--input-type=module', '-e', script];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(stderr, '');
  return stdout.trim();
}

const COUNT_COLLECTED = `
  const collected = new FinalizationRegistry(() => console.log('collected'));
  collected.register({}, 0);
  await new Promise(setImmediate);
  dropBootLeftovers();
  await new Promise((resolve) => setTimeout(resolve, 10));`;

test('what nobody refers to is collected if the collector is exposed, and left alone elsewhere', () => {
  assert.equal(printed(['--expose-gc'], COUNT_COLLECTED), 'collected');
  assert.equal(printed([], COUNT_COLLECTED), '');
});

test('a flag that was set after the start does as well', () => {
  const late = `(await import('node:v8')).setFlagsFromString('--expose-gc');`;
  assert.equal(printed([], late + COUNT_COLLECTED), 'collected');
});
