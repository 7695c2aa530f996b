import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LogBatch, MAX_RECORD_BYTES, type WriteLog, WriteLogError } from './write-log.ts';

/** A log under test, empty at first, and how to open the same one again. */
export interface WriteLogUnderTest {
  readonly log: WriteLog;
  /** Closes the log and opens it anew: what was acknowledged must be there. */
  reopen(): Promise<WriteLog>;
  /** Closes the log, deletes it, and makes another one in its place. */
  remake(): Promise<WriteLog>;
  /** Frees everything that is open. */
  dispose(): Promise<void>;
}

/** Partitions that a log under test must have. */
export const CONTRACT_PARTITIONS = 3;

/** A record whose bytes follow from `seed`, so that a reader can tell it from every other. */
export function recordOf(seed: number, bytes = 100): Uint8Array {
  const record = new Uint8Array(bytes);
  let state = (seed + 1) * 0x9e3779b1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    record[i] = state >>> 24;
  }
  return record;
}

/** The first `count` records from `fromOffset` on; asserts that batches follow one another. */
export async function readRecords(
  log: WriteLog,
  partition: number,
  fromOffset: number,
  count: number,
): Promise<Uint8Array[]> {
  const records: Uint8Array[] = [];
  const stop = new AbortController();
  if (count === 0) return records;
  for await (const batch of log.read(partition, fromOffset, stop.signal)) {
    assert.equal(batch.firstOffset, fromOffset + records.length);
    assert.ok(batch.records.length > 0);
    records.push(...batch.records);
    if (records.length >= count) break;
  }
  return records.slice(0, count);
}

function sameBytes(actual: Uint8Array, expected: Uint8Array): void {
  assert.ok(Buffer.from(actual).equals(Buffer.from(expected)), 'the records differ');
}

async function rejectsWith(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => error instanceof WriteLogError && error.code === code);
}

/** What every `WriteLog` promises, as tests. `open` makes a fresh log of `CONTRACT_PARTITIONS` partitions. */
export function writeLogContract(name: string, open: () => Promise<WriteLogUnderTest>): void {
  const check = (title: string, run: (subject: WriteLogUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      const subject = await open();
      try {
        await run(subject);
      } finally {
        await subject.dispose();
      }
    });
  appending(check);
  reading(check);
  truncating(check);
  naming(check);
}

type Check = (title: string, run: (subject: WriteLogUnderTest) => Promise<void>) => void;

function appending(check: Check): void {
  check('offsets are consecutive from 0 in each partition', async ({ log }) => {
    assert.equal(await log.endOffset(0), 0);
    assert.equal(await log.startOffset(0), 0);
    for (let i = 0; i < 5; i++) {
      assert.equal(await log.append(0, recordOf(i)), i);
      assert.equal(await log.append(2, recordOf(i)), i);
      assert.equal(await log.endOffset(0), i + 1);
    }
    assert.equal(await log.endOffset(1), 0);
  });

  check('parallel appends to several partitions keep the order of the calls', async ({ log }) => {
    const offsets: Promise<number>[] = [];
    for (let i = 0; i < 300; i++) offsets.push(log.append(i % 3, recordOf(i)));
    assert.deepEqual(
      await Promise.all(offsets),
      offsets.map((_, i) => Math.floor(i / 3)),
    );
    for (let p = 0; p < 3; p++) {
      const records = await readRecords(log, p, 0, 100);
      records.forEach((record, i) => {
        sameBytes(record, recordOf(i * 3 + p));
      });
    }
  });

  check('records from none to the largest size come back whole', async ({ log }) => {
    const sizes = [0, 1, 8192, 70_000, 300_001, MAX_RECORD_BYTES];
    for (const size of sizes) await log.append(1, recordOf(size, size));
    const records = await readRecords(log, 1, 0, sizes.length);
    records.forEach((record, i) => {
      sameBytes(record, recordOf(sizes[i], sizes[i]));
    });
  });

  check('a record that is a view of a larger buffer is stored alone', async ({ log }) => {
    const buffer = new Uint8Array(1000).fill(7);
    await Promise.all([log.append(0, buffer.subarray(10, 20)), log.append(0, buffer.subarray(500, 510))]);
    for (const record of await readRecords(log, 0, 0, 2)) sameBytes(record, new Uint8Array(10).fill(7));
  });

  check('a record over the limit is refused by name', async ({ log }) => {
    await rejectsWith(log.append(0, new Uint8Array(MAX_RECORD_BYTES + 1)), 'record_too_large');
    assert.equal(await log.endOffset(0), 0);
  });

  check('what was acknowledged is there after a reopen, and offsets go on', async (subject) => {
    for (let i = 0; i < 10; i++) await subject.log.append(1, recordOf(i, 5000));
    const log = await subject.reopen();
    assert.equal(await log.endOffset(1), 10);
    const records = await readRecords(log, 1, 0, 10);
    records.forEach((record, i) => {
      sameBytes(record, recordOf(i, 5000));
    });
    assert.equal(await log.append(1, recordOf(10)), 10);
  });

  check('a closed log refuses', async ({ log }) => {
    await log.append(0, recordOf(0));
    await log.close();
    await rejectsWith(log.append(0, recordOf(1)), 'closed');
  });
}

function reading(check: Check): void {
  check('a read starts anywhere and goes on with what is appended later', async ({ log }) => {
    for (let i = 0; i < 20; i++) await log.append(0, recordOf(i));
    const live = readRecords(log, 0, 15, 25);
    for (let i = 20; i < 40; i++) await log.append(0, recordOf(i));
    const records = await live;
    records.forEach((record, i) => {
      sameBytes(record, recordOf(15 + i));
    });
  });

  check('a read at the end waits for the next record', async ({ log }) => {
    await log.append(0, recordOf(0));
    const next = readRecords(log, 0, 1, 1);
    await log.append(0, recordOf(1));
    sameBytes((await next)[0], recordOf(1));
  });

  check('there is no gap between disk and tail under concurrent appends', async (subject) => {
    for (let i = 0; i < 200; i++) await subject.log.append(0, recordOf(i, 20_000));
    const log = await subject.reopen();
    const readers = [0, 50, 199, 200].map(async (from) => {
      const records = await readRecords(log, 0, from, 500 - from);
      records.forEach((record, i) => {
        sameBytes(record, recordOf(from + i, 20_000));
      });
    });
    let inFlight: Promise<number>[] = [];
    for (let i = 200; i < 500; i++) {
      inFlight.push(log.append(0, recordOf(i, 20_000)));
      if (inFlight.length === 7) {
        await Promise.all(inFlight);
        inFlight = [];
      }
    }
    await Promise.all([...inFlight, ...readers]);
  });

  check('readers of one partition own their buffers', async ({ log }) => {
    const first = readRecords(log, 0, 0, 3);
    const second = readRecords(log, 0, 0, 3);
    for (let i = 0; i < 3; i++) await log.append(0, recordOf(i));
    for (const records of await Promise.all([first, second])) {
      records.forEach((record, i) => {
        sameBytes(record, recordOf(i));
        record.fill(0);
      });
    }
    const again = await readRecords(log, 0, 0, 3);
    again.forEach((record, i) => {
      sameBytes(record, recordOf(i));
    });
  });

  check('an abort ends a read, waiting or not', async ({ log }) => {
    const stop = new AbortController();
    const batches: LogBatch[] = [];
    const waiting = (async () => {
      for await (const batch of log.read(0, 0, stop.signal)) batches.push(batch);
    })();
    await log.append(0, recordOf(0));
    while (batches.length === 0) await new Promise((resolve) => setImmediate(resolve));
    stop.abort();
    await waiting;
    await log.append(0, recordOf(1));
    for await (const _ of log.read(0, 0, AbortSignal.abort())) assert.fail('an aborted read has no batches');
    assert.equal((await readRecords(log, 0, 0, 2)).length, 2);
  });

  check('an offset beyond the end is out of range', async ({ log }) => {
    await log.append(0, recordOf(0));
    await rejectsWith(readRecords(log, 0, 2, 1), 'offset_out_of_range');
  });
}

function truncating(check: Check): void {
  check('truncation moves the start and keeps the rest', async (subject) => {
    for (let i = 0; i < 150; i++) await subject.log.append(0, recordOf(i));
    await subject.log.append(1, recordOf(1000));
    await subject.log.truncate(0, 100);
    await subject.log.truncate(0, 40);
    assert.equal(await subject.log.startOffset(0), 100);
    const log = await subject.reopen();
    assert.equal(await log.startOffset(0), 100);
    assert.equal(await log.endOffset(0), 150);
    await rejectsWith(readRecords(log, 0, 99, 1), 'offset_out_of_range');
    const records = await readRecords(log, 0, 100, 50);
    records.forEach((record, i) => {
      sameBytes(record, recordOf(100 + i));
    });
    assert.equal(await log.startOffset(1), 0);
  });

  check('offsets go on when everything was truncated, also after a reopen', async (subject) => {
    for (let i = 0; i < 10; i++) await subject.log.append(2, recordOf(i));
    await subject.log.truncate(2, 10);
    assert.equal(await subject.log.startOffset(2), 10);
    const log = await subject.reopen();
    assert.equal(await log.startOffset(2), 10);
    assert.equal(await log.endOffset(2), 10);
    assert.equal(await log.append(2, recordOf(10)), 10);
    sameBytes((await readRecords(log, 2, 10, 1))[0], recordOf(10));
  });

  check('a truncation beyond the end is refused', async ({ log }) => {
    await rejectsWith(log.truncate(0, 1), 'offset_out_of_range');
  });
}

function naming(check: Check): void {
  check('its identity stays, whatever is written, truncated or reopened', async (subject) => {
    const identity = await subject.log.identity();
    assert.match(identity, /^[\w-]{16,}$/);
    for (let i = 0; i < 3; i++) await subject.log.append(0, recordOf(i));
    await subject.log.truncate(0, 2);
    assert.equal(await subject.log.identity(), identity);
    const log = await subject.reopen();
    assert.equal(await log.identity(), identity);
    await log.close();
    await rejectsWith(log.identity(), 'closed');
  });

  check(
    'a log that is made in the place of a deleted one is empty and has another identity',
    async (subject) => {
      const identity = await subject.log.identity();
      await subject.log.append(0, recordOf(0));
      const log = await subject.remake();
      assert.notEqual(await log.identity(), identity);
      assert.equal(await log.endOffset(0), 0);
      assert.equal(await log.append(0, recordOf(1)), 0);
    },
  );
}
