import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, Worker } from 'node:worker_threads';
import { connectWriteLog } from '../port/write-log-port-client.ts';

/** Appends of 70 KB through a port with a live reader: records a second, CPU a record, by how many are in flight. */
const RECORD_BYTES = 70_000;
const RECORDS = 4_000;

const folder = await mkdtemp(join(tmpdir(), 'writelog-bench-'));
const worker = new Worker(new URL('../testdata/log-worker.ts', import.meta.url), {
  workerData: { path: join(folder, 'log.db'), partitionCount: 4 },
});
const { port1, port2 } = new MessageChannel();
worker.postMessage(port1, [port1]);
const log = await connectWriteLog(port2);

for (const inFlight of [1, 4, 32]) {
  const from = await log.endOffset(0);
  const reading = readTo(from + RECORDS);
  const cpu = process.cpuUsage();
  const mine = process.threadCpuUsage();
  const startMs = performance.now();
  let sent = 0;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (sent++ < RECORDS) await log.append(0, new Uint8Array(RECORD_BYTES).fill(1));
    }),
  );
  await reading;
  const tookMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  const thread = process.threadCpuUsage(mine);
  console.log(
    `${inFlight} in flight: ${Math.round((RECORDS / tookMs) * 1000)} records/s, ` +
      `${((user + system) / RECORDS).toFixed(0)} µs CPU a record, ` +
      `${((thread.user + thread.system) / RECORDS).toFixed(0)} µs of it in this thread`,
  );
}
await log.close();
worker.postMessage('close');
await rm(folder, { recursive: true });

async function readTo(end: number): Promise<void> {
  for await (const batch of log.read(0, end - RECORDS, new AbortController().signal)) {
    if (batch.firstOffset + batch.records.length >= end) return;
  }
}
