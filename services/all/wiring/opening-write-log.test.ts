import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openSqliteWriteLog, type WriteLog, WriteLogError } from '@xscaler/writelog';
import { OpeningWriteLog } from './opening-write-log.ts';

/** A log that opens as the test says, one answer a try; the last one stands. */
function opening(...answers: (() => Promise<WriteLog>)[]) {
  const away: string[] = [];
  const faults: string[] = [];
  const log = new OpeningWriteLog({
    partitionCount: 1,
    open: () => (answers.length > 1 ? answers.shift()! : answers[0])(),
    onAway: ({ message }) => away.push(message),
    onFault: ({ message }) => faults.push(message),
    retryMs: 1,
  });
  return { log, away, faults };
}

const away = () => Promise.reject(new WriteLogError('unavailable', 'no broker answers'));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 1));
}

test('while it is unreachable every call is refused; once it is there it is the log', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'opening-write-log-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const there = Promise.withResolvers<WriteLog>();
  const subject = opening(away, away, () => there.promise);
  await subject.log.start();
  assert.equal(subject.log.reason, 'no broker answers');
  await assert.rejects(subject.log.endOffset(0), { code: 'unavailable', message: /no broker answers/ });
  await assert.rejects(subject.log.append(0, Uint8Array.of(1)), { code: 'unavailable' });
  const { signal } = new AbortController();
  await assert.rejects(
    async () => {
      for await (const _ of subject.log.read(0, 0, signal)) assert.fail('there is nothing to read');
    },
    { code: 'unavailable' },
  );
  there.resolve(openSqliteWriteLog({ path: join(dir, 'log.sqlite'), partitionCount: 1 }));
  await until(() => subject.log.reason === undefined);
  assert.equal(await subject.log.append(0, Uint8Array.of(1)), 0);
  assert.equal(await subject.log.endOffset(0), 1);
  await subject.log.close();
  assert.deepEqual(subject.faults, []);
});

test('a log that will never do ends the start, or is told of when it comes back', async () => {
  const wrong = () => Promise.reject(new Error('it has 4 partitions, not 5'));
  await assert.rejects(opening(wrong).log.start(), /4 partitions/);
  const subject = opening(away, wrong);
  await subject.log.start();
  await until(() => subject.faults.length > 0);
  assert.equal(subject.log.reason, 'it has 4 partitions, not 5');
  await subject.log.close();
});

test('it can be closed while it is unreachable', async () => {
  const { log, faults } = opening(away);
  await log.start();
  await log.close();
  await assert.rejects(log.endOffset(0), { code: 'closed' });
  assert.deepEqual(faults, []);
});
