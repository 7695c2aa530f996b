import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DecodeError } from '@xscaler/encoding';
import { decodeBrokerTime } from './kafka-broker-time.ts';

const TIME_MS = 1_796_102_044_123;
const voter = (id: string, timeMs: number) =>
  `${id} 00000000000000ff ${timeMs.toString(16).padStart(16, '0')} ffffffffffffffff 00`;
const name = Buffer.from('__cluster_metadata').toString('hex');

/** What a quorum of two answers whose leader is broker 2. */
function answer(error = '0000'): Buffer {
  const partition = `00000000 ${error} 00000002 00000007 0000000000000100 03`;
  const voters = `${voter('00000001', TIME_MS - 900)} ${voter('00000002', TIME_MS)} 01 00`;
  return Buffer.from(`00 0000 02 13 ${name} 02 ${partition} ${voters} 00 00`.replaceAll(' ', ''), 'hex');
}

test('the time is that of the leader of the quorum', () => {
  assert.equal(decodeBrokerTime(answer()), TIME_MS);
});

test('a refusal is named', () => {
  assert.throws(() => decodeBrokerTime(answer('001f')), /authorization failed/);
});

test('an answer that is cut short is noticed', () => {
  const whole = answer();
  // Up to the end of the leader's row all of it is read.
  const read = whole.length - 4;
  for (let length = 0; length < read; length++)
    assert.throws(() => decodeBrokerTime(whole.subarray(0, length)), DecodeError, `${length} bytes`);
});

test('a damaged answer gives a number or an error', () => {
  const whole = answer();
  for (let at = 0; at < whole.length; at++) {
    for (const bit of [1, 0x10, 0x80, 0xff]) {
      const damaged = Buffer.from(whole);
      damaged[at] ^= bit;
      try {
        assert.ok(Number.isFinite(decodeBrokerTime(damaged)));
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof RangeError), `byte ${at}: ${error}`);
      }
    }
  }
});
