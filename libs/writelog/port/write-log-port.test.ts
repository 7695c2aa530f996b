import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { MessageChannel, Worker } from 'node:worker_threads';
import type { LogBatch, WriteLog } from '../write-log.ts';
import { CONTRACT_PARTITIONS, readRecords, recordOf, writeLogContract } from '../write-log-contract.ts';
import { READ_CREDIT_BYTES, serveWriteLog } from './write-log-port.ts';
import { connectWriteLog } from './write-log-port-client.ts';

/** A log in a worker thread of its own. */
class LogThread {
  readonly worker: Worker;

  constructor(path: string) {
    this.worker = new Worker(new URL('../testdata/log-worker.ts', import.meta.url), {
      workerData: { path, partitionCount: CONTRACT_PARTITIONS },
    });
  }

  connect(): Promise<WriteLog> {
    const { port1, port2 } = new MessageChannel();
    this.worker.postMessage(port1, [port1]);
    return connectWriteLog(port2);
  }

  async close(): Promise<void> {
    this.worker.postMessage('close');
    await once(this.worker, 'exit');
  }
}

async function openInThread() {
  const folder = await mkdtemp(join(tmpdir(), 'writelog-port-'));
  const path = join(folder, 'log.db');
  let thread = new LogThread(path);
  let log = await thread.connect();
  return {
    log,
    thread,
    async reopen() {
      await log.close();
      await thread.close();
      thread = new LogThread(path);
      log = await thread.connect();
      return log;
    },
    async remake() {
      await log.close();
      await thread.close();
      for (const suffix of ['', '-wal', '-shm']) await rm(`${path}${suffix}`, { force: true });
      thread = new LogThread(path);
      log = await thread.connect();
      return log;
    },
    async dispose() {
      await log.close();
      await thread.close();
      await rm(folder, { recursive: true });
    },
  };
}

writeLogContract('through a port', openInThread);

test('several clients share one log', async () => {
  const { log, thread, dispose } = await openInThread();
  const other = await thread.connect();
  const seen = readRecords(other, 0, 0, 20);
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? log : other).append(0, recordOf(i))));
  assert.equal((await seen).length, 20);
  assert.equal(await other.endOffset(0), 20);
  await other.close();
  assert.equal(await log.append(0, recordOf(20)), 20);
  await dispose();
});

test('a thread that dies rejects calls and reads under way with unavailable', async () => {
  const { log, thread } = await openInThread();
  await log.append(0, recordOf(0));
  const reading = readRecords(log, 0, 1, 1);
  const lost = log.append(0, recordOf(1));
  const outcomes = Promise.allSettled([reading, lost]);
  await thread.worker.terminate();
  const [read, append] = await outcomes;
  assert.equal(read.status === 'rejected' && read.reason.code, 'unavailable');
  // The append may have been answered before the thread went.
  if (append.status === 'rejected') assert.equal(append.reason.code, 'unavailable');
  await assert.rejects(log.append(0, recordOf(2)), { code: 'unavailable' });
});

test('a client refuses what exceeds its bound of bytes under way', async () => {
  const { thread, dispose } = await openInThread();
  const { port1, port2 } = new MessageChannel();
  thread.worker.postMessage(port1, [port1]);
  const client = await connectWriteLog(port2, { maxPendingBytes: 1000 });
  const first = client.append(0, recordOf(0, 900));
  await assert.rejects(client.append(0, recordOf(1, 200)), { code: 'unavailable' });
  assert.equal(await first, 0);
  assert.equal(await client.append(0, recordOf(1, 200)), 1);
  await client.close();
  await dispose();
});

/** A log that counts what is read from it and has more than any test takes. */
function endlessLog(batch: () => LogBatch): { log: WriteLog; state: { sent: number; isReading: boolean } } {
  const state = { sent: 0, isReading: false };
  const unused = () => Promise.reject(new Error('not used here'));
  async function* read(_partition: number, _from: number, signal: AbortSignal) {
    state.isReading = true;
    try {
      while (!signal.aborted) {
        assert.ok(++state.sent < 200, 'the reader is flooded');
        yield batch();
      }
    } finally {
      state.isReading = false;
    }
  }
  const log: WriteLog = {
    partitionCount: 1,
    append: unused,
    read,
    startOffset: unused,
    endOffset: unused,
    identity: unused,
    truncate: unused,
    close: unused,
  };
  return { log, state };
}

const MEBIBYTE = 1024 * 1024;

test('a reader that takes nothing is sent no more than its credit', async () => {
  const { log, state } = endlessLog(() => ({ firstOffset: 0, records: [new Uint8Array(MEBIBYTE)] }));
  const { port1, port2 } = new MessageChannel();
  serveWriteLog(log, port1);
  const client = await connectWriteLog(port2);
  const batches = client.read(0, 0, new AbortController().signal)[Symbol.asyncIterator]();
  await batches.next();
  for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(state.sent, READ_CREDIT_BYTES / MEBIBYTE);
  for (let i = 0; i < 30; i++) await batches.next();
  assert.ok(state.sent >= 30);
  await batches.return?.();
  while (state.isReading) await new Promise((resolve) => setImmediate(resolve));
  await client.close();
});

test('a client port that closes ends its reads', async () => {
  const { log, state } = endlessLog(() => ({ firstOffset: 0, records: [new Uint8Array(MEBIBYTE)] }));
  const { port1, port2 } = new MessageChannel();
  serveWriteLog(log, port1);
  const client = await connectWriteLog(port2);
  const batches = client.read(0, 0, new AbortController().signal)[Symbol.asyncIterator]();
  await batches.next();
  await client.close();
  while (state.isReading) await new Promise((resolve) => setImmediate(resolve));
});

test('a client knows the partitions of its log; one that the log doesn’t have is refused there', async () => {
  const { log, dispose } = await openInThread();
  assert.equal(log.partitionCount, CONTRACT_PARTITIONS);
  await assert.rejects(log.append(CONTRACT_PARTITIONS, recordOf(0)), /there is no partition 3/);
  await assert.rejects(readRecords(log, CONTRACT_PARTITIONS, 0, 1), /there is no partition 3/);
  await dispose();
});

test('who connects if nobody serves is told when that end goes', async () => {
  const { port1, port2 } = new MessageChannel();
  const connecting = connectWriteLog(port2);
  port1.close();
  await assert.rejects(connecting, { code: 'unavailable' });
});
