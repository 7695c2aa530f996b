import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogRecordReader } from '@xscaler/wire/log-record';
import { WriteLogError } from '@xscaler/writelog';
import { series, setUp } from '../distributor.testbed.ts';
import type { DistributorOptions } from '../distributor.ts';
import { AppendHealth } from './append-health.ts';

/** A distributor on a log that can be made to fail, and the probe's next beat. */
async function setUpHealth() {
  let beat = () => {};
  const clock = { nowMs: 0 };
  const logs: string[] = [];
  const note = (_: object, message: string) => void logs.push(message);
  const appendHealth: DistributorOptions['appendHealth'] = {
    noteAppend: (partition, failure) => health.noteAppend(partition, failure),
  };
  const testbed = setUp({}, { appendHealth }, 1);
  const health = new AppendHealth({
    append: (partition, record) => testbed.log.append(partition, record),
    logger: { info: note, warn: note },
    now: () => clock.nowMs,
    schedule: (next) => {
      beat = next;
      return () => {};
    },
  });
  await health.start();
  const probe = async () => {
    clock.nowMs += 1_000;
    beat();
    await new Promise((done) => setImmediate(done));
  };
  return { ...testbed, health, logs, probe };
}

const SERIES = [series({ __name__: 'm' })];

test('a rejected record makes writes refused with the reason, until an empty record is accepted', async () => {
  const { log, push, health, logs, probe } = await setUpHealth();
  assert.equal(health.refusal, undefined);
  log.failing.set(0, new WriteLogError('disk_full', 'database or disk is full'));
  const refused = await push(SERIES);
  assert.equal(refused.status, 503);
  assert.match(`${health.refusal}`, /^writes are refused: .*partition 0: database or disk is full$/);
  await probe();
  assert.match(`${health.refusal}`, /disk is full/);

  log.failing.clear();
  for (let i = 0; i < 9; i++) await probe();
  assert.match(`${health.refusal}`, /disk is full/, 'it was not well for ten seconds yet');
  await probe();
  assert.equal(health.refusal, undefined);
  assert.deepEqual(logs, ['the write log rejects records', 'the write log accepts records again']);
  const record = log.records.at(-1)?.record as Uint8Array;
  assert.equal(new LogRecordReader().decode(record), 'cut');
});

test('a log that accepts only small records stays refusing', async () => {
  const { log, push, health, probe } = await setUpHealth();
  for (let i = 0; i < 30; i++) {
    log.failing.set(0, new WriteLogError('disk_full', 'database or disk is full'));
    await push(SERIES);
    log.failing.clear();
    await probe();
    assert.match(`${health.refusal}`, /disk is full/);
  }
});

test('a client’s write ends the refusal too; a healthy log is not probed', async () => {
  const { log, push, health, probe } = await setUpHealth();
  log.failing.set(0, new WriteLogError('unavailable', 'no broker'));
  await push(SERIES);
  assert.match(`${health.refusal}`, /no broker/);
  log.failing.clear();
  assert.equal((await push(SERIES)).status, 204);
  const appended = log.records.length;
  for (let i = 0; i < 10; i++) await probe();
  assert.equal(health.refusal, undefined);
  assert.equal(log.records.length, appended);
});

test('a request too large for the log leaves the log’s health unchanged', async () => {
  const { log, push, health } = await setUpHealth();
  log.failing.set(0, new WriteLogError('record_too_large', 'above 8 MB'));
  assert.equal((await push(SERIES)).status, 400);
  assert.equal(health.refusal, undefined);
});

test('the public refusal shows no file path and no detail of a bug', async () => {
  const { log, push, health } = await setUpHealth();
  const text = 'writes are refused: the write log rejects records of partition 0: ';
  log.failing.set(0, new WriteLogError('damaged', '/data/write-log.sqlite is damaged (malformed)'));
  await push(SERIES);
  assert.equal(health.refusal, `${text}the file of the write log is damaged`);
  log.failing.set(0, new TypeError('Cannot read properties of undefined') as unknown as WriteLogError);
  await push(SERIES);
  assert.equal(health.refusal, `${text}internal error, see the log`);
});
