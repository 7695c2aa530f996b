import { writeSync } from 'node:fs';
import { openSqliteWriteLog } from '../index.ts';
import { recordOf } from '../write-log-contract.ts';

/** Appends for ever, several at once, and prints `partition offset seed bytes` for each that was acknowledged. */
const log = openSqliteWriteLog({ path: process.argv[2], partitionCount: 2 });
let seed = Number(process.argv[3]);

async function appendForEver(partition: number): Promise<void> {
  for (;;) {
    const mine = seed++;
    const bytes = 1 + ((mine * 7919) % 90_000);
    const offset = await log.append(partition, recordOf(mine, bytes));
    writeSync(1, `${partition} ${offset} ${mine} ${bytes}\n`);
    if (mine % 50 === 49) await log.truncate(partition, Math.max(0, offset - 100));
  }
}

for (let i = 0; i < 6; i++) void appendForEver(i % 2);
