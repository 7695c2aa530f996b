import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestIdOf } from './request-id.ts';

test('an id that a sender chose is kept if it is short and plain, and otherwise a new one is made', () => {
  for (const kept of ['a', 'Root=1-67891233.abc_def'.replace('=', '-'), 'x'.repeat(64)])
    assert.equal(requestIdOf(kept), kept);
  const refused = [undefined, '', 'x'.repeat(65), 'a b', 'a, b', 'a"b', 'a\nb', 'ä', '{}', '<script>'];
  const made = refused.map(requestIdOf);
  for (const id of made) assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(new Set(made).size, made.length);
});
