import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DatabaseError } from '@xscaler/database';
import { untilDatabase } from './until-database.ts';

/** An attempt that fails as often as there are `failures`, and what was said meanwhile. */
function attemptOf(failures: readonly Error[]) {
  const left = [...failures];
  const waits: (string | undefined)[] = [];
  const warnings: string[] = [];
  const attempt = async () => {
    const failure = left.shift();
    if (failure !== undefined) throw failure;
    return 'done';
  };
  const options = {
    waitsFor: (reason: string | undefined) => void waits.push(reason),
    logger: { warn: (_: unknown, text?: string) => void warnings.push(`${text}`) },
  };
  return { attempt, options, waits, warnings };
}

test('a database that is unreachable or full is waited for, and named meanwhile', async () => {
  const { attempt, options, waits, warnings } = attemptOf([
    new DatabaseError('unavailable', 'no answer within 5 s'),
    new DatabaseError('disk_full', 'no space left on device'),
  ]);
  assert.equal(await untilDatabase(attempt, options), 'done');
  assert.deepEqual(waits, [
    'the database is unreachable: no answer within 5 s',
    'the database is unreachable: no space left on device',
    undefined,
  ]);
  assert.equal(warnings.length, 2);
});

test('what waiting does not mend is final', async () => {
  const { attempt, options } = attemptOf([new DatabaseError('invalid', 'syntax error')]);
  await assert.rejects(untilDatabase(attempt, options), { code: 'invalid', message: 'syntax error' });
});

test('a stop ends the wait', async () => {
  const away = new DatabaseError('unavailable', 'away');
  const { attempt, options } = attemptOf(Array(100).fill(away));
  const stopping = new AbortController();
  const waiting = untilDatabase(attempt, { ...options, signal: stopping.signal });
  stopping.abort(new Error('stopping'));
  await assert.rejects(waiting, /stopping/);
});
