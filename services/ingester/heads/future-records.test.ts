import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32 } from 'node:zlib';
import { encodeCut, HIGHEST_RECORD_VERSION } from '@xscaler/wire/log-record';
import { Machine, TENANT, WINDOW_MS } from '../machine.testbed.ts';

/** Well-formed in the parts that no version may change: the first byte and the checksum. */
function recordOfNextVersion(): Uint8Array {
  const record = encodeCut({ tenant: TENANT, windowStartMs: 0, windowMs: WINDOW_MS, seq: 0, zone: 'a' });
  record[0] = HIGHEST_RECORD_VERSION + 1;
  const end = record.length - 4;
  new DataView(record.buffer, record.byteOffset).setUint32(end, crc32(record.subarray(0, end)), true);
  return record;
}

test('a record of an unknown version stops the partition with that reason, until it is taken out', async () => {
  await using machine = await Machine.make();
  await machine.write('up', [[1, 1]]);
  await machine.log.append(0, recordOfNextVersion());
  await machine.write('up', [[2, 2]]);
  const stopped = machine.ingester();
  await assert.rejects(stopped.start(), /stopped/);
  const [report] = await stopped.inspect();
  assert.deepEqual([report.state, report.nextOffset], ['stopped', 1]);
  assert.equal(report.stoppedBy, `record version ${HIGHEST_RECORD_VERSION + 1}`);
  await stopped.stop();

  await machine.blocks.skipRecord(0, 1);
  const next = machine.ingester();
  await next.start();
  assert.deepEqual((await machine.read(next)).up, [
    [1, 1],
    [2, 2],
  ]);
});
