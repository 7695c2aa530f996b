import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LogTail, type TailReader } from './log-tail.ts';

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('push' as const), bytes: fc.nat(40) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('take' as const), reader: fc.nat(3), bytes: fc.nat(100) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('enter' as const), back: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('leave' as const), reader: fc.nat(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const) }) },
);

/** A record that says which offset it has, and is then overwritten by the reader that owns it. */
function recordAt(offset: number, bytes: number): Uint8Array {
  const record = new Uint8Array(bytes + 4);
  new DataView(record.buffer).setUint32(0, offset);
  return record;
}

test('readers get every record in order, own them, and the tail keeps its bound', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.nat(200), fc.nat(1000), (steps, maxBytes, start) => {
      const tail = new LogTail(start, maxBytes);
      const readers: TailReader[] = [];
      let end = start;
      for (const next of steps) {
        if (next.kind === 'push') tail.push(recordAt(end++, next.bytes));
        if (next.kind === 'reset') tail.reset(end);
        if (next.kind === 'enter') readers.push(tail.enter(Math.max(0, end - next.back)));
        if (next.kind === 'leave') for (const reader of readers.splice(next.reader, 1)) tail.leave(reader);
        if (next.kind === 'take') takeOne(tail, readers[next.reader], next.bytes, end);
        assert.ok(tail.bytes <= maxBytes);
      }
    }),
  );
});

function takeOne(tail: LogTail, reader: TailReader | undefined, bytes: number, end: number): void {
  if (reader === undefined || reader.next === end) return;
  const records = tail.take(reader, bytes + 1);
  if (records === undefined) {
    // It would read this one from the disk.
    reader.next++;
    return;
  }
  assert.ok(records.length > 0);
  for (const record of records) {
    assert.equal(new DataView(record.buffer).getUint32(0), reader.next);
    record.fill(255);
    reader.next++;
  }
}
