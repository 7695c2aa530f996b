import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statementsOf } from './migrate.ts';

const TEXT = `-- Why it exists;
CREATE TABLE a (
  b \${BLOB} -- a word
);

-- only: postgres
ALTER TABLE a ALTER COLUMN b SET STORAGE EXTERNAL;

-- only: sqlite
CREATE INDEX a_b ON a (b);
CREATE INDEX a_c ON a (c);
`;

test('each side gets its statements, in its words', () => {
  assert.deepEqual(statementsOf(TEXT.replace('there;', 'there'), 'postgres'), [
    'CREATE TABLE a (\n  b bytea -- a word\n)',
    'ALTER TABLE a ALTER COLUMN b SET STORAGE EXTERNAL',
    'CREATE INDEX a_c ON a (c)',
  ]);
  assert.deepEqual(statementsOf(TEXT, 'sqlite'), [
    'CREATE TABLE a (\n  b BLOB -- a word\n)',
    'CREATE INDEX a_b ON a (b)',
    'CREATE INDEX a_c ON a (c)',
  ]);
});

test('an unknown word is an error', () => {
  assert.throws(() => statementsOf(`SELECT \${NOWHERE};`, 'sqlite'), /no word NOWHERE/);
});
