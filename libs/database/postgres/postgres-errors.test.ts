import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from '../sql/database.ts';
import { databaseErrorOf, endsSession, mayRunAgain } from './postgres-errors.ts';

function refusal(code: string): Error {
  return Object.assign(new Error('as the server put it'), { code, severity: 'ERROR' });
}

function lost(code: string): Error {
  return Object.assign(new Error(''), { code });
}

test('a server’s refusal becomes the code of its class', () => {
  const codeOf = (state: string) => databaseErrorOf(refusal(state)).code;
  assert.equal(codeOf('23505'), 'constraint');
  assert.equal(codeOf('42P01'), 'invalid');
  assert.equal(codeOf('22021'), 'invalid');
  assert.equal(codeOf('08P01'), 'invalid');
  assert.equal(codeOf('08006'), 'unavailable');
  assert.equal(codeOf('25P02'), 'invalid');
  assert.equal(codeOf('25006'), 'unavailable');
  assert.equal(codeOf('53100'), 'disk_full');
  assert.equal(codeOf('53300'), 'unavailable');
  assert.equal(codeOf('57014'), 'unavailable');
  assert.equal(codeOf('40P01'), 'unavailable');
  assert.equal(codeOf('XX000'), 'unavailable');
});

test('what isn’t a server’s refusal is a connection that has gone', () => {
  const error = databaseErrorOf(lost('ECONNREFUSED'));
  assert.equal(error.code, 'unavailable');
  assert.equal(error.message, 'ECONNREFUSED');
  assert.ok(endsSession(lost('EPIPE')));
  // A code of the operating system that looks like a SQLSTATE is none.
  assert.equal(databaseErrorOf(lost('23505')).code, 'unavailable');
});

test('an error of ours stays unchanged', () => {
  const error = new DatabaseError('conflict', 'another was first');
  assert.equal(databaseErrorOf(error), error);
});

test('deadlocks and serialization failures alone are run again', () => {
  assert.ok(mayRunAgain(databaseErrorOf(refusal('40001'))));
  assert.ok(mayRunAgain(databaseErrorOf(refusal('40P01'))));
  assert.ok(!mayRunAgain(databaseErrorOf(refusal('57P01'))));
  assert.ok(!mayRunAgain(databaseErrorOf(lost('ECONNRESET'))));
  assert.ok(!mayRunAgain(new DatabaseError('unavailable', 'the database is closed')));
});

test('a refused statement leaves its session usable, a server that stops doesn’t', () => {
  assert.ok(!endsSession(refusal('23505')));
  assert.ok(!endsSession(refusal('57014')));
  assert.ok(endsSession(refusal('57P01')));
  assert.ok(endsSession(refusal('25006')));
});
