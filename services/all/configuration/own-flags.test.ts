import assert from 'node:assert/strict';
import { test } from 'node:test';
import { takeFlags } from './own-flags.ts';

test('own flags are taken out in either form, the rest stays in order', () => {
  const argv = ['--database.url', 'x', '--scope', 'read', '--name=ci', '--log.level=warn'];
  assert.deepEqual(takeFlags(argv, ['scope', 'name']), {
    own: { scope: 'read', name: 'ci' },
    rest: ['--database.url', 'x', '--log.level=warn'],
  });
  assert.deepEqual(takeFlags(['--scope'], ['scope']), { own: { scope: '' }, rest: [] });
});
