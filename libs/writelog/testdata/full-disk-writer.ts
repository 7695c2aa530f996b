import { openSqliteWriteLog } from '../index.ts';
import { readRecords, recordOf } from '../write-log-contract.ts';

/** Appends until it is refused, then says with which code, how much was acknowledged and whether it can be read. */
const log = openSqliteWriteLog({ path: process.argv[2], partitionCount: 1, tailCacheBytes: 0 });
let acknowledged = 0;
let code = '';
while (code === '') {
  try {
    await log.append(0, recordOf(acknowledged, 100_000));
    acknowledged++;
  } catch (error) {
    code = (error as { code: string }).code;
  }
}
const records = await readRecords(log, 0, 0, acknowledged);
const readable = records.filter((record, i) => Buffer.from(record).equals(recordOf(i, 100_000))).length;
console.log(JSON.stringify({ code, acknowledged, readable }));
process.exit(0);
