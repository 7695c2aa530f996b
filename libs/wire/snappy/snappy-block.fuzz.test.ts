import assert from 'node:assert/strict';
import test from 'node:test';
import { fuzz } from '@xscaler/testkit';
import { expandSnappy, packSnappy } from './snappy-block.ts';

const MAX_BYTES = 100_000;

test('snappy: mutated blocks expand within the bound or are refused', async (t) => {
  const text = Buffer.from(Array.from({ length: 60 }, (_, i) => `instance="10.0.${i}.1",job="api"`).join());
  const noise = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * i * 7919) >>> 5));
  const decodes = (damaged: Uint8Array): boolean => {
    try {
      assert.ok(expandSnappy(damaged, MAX_BYTES).length <= MAX_BYTES);
      return true;
    } catch (error) {
      const { name, stack } = error as Error;
      assert.ok(['DecodeError', 'TooLargeError'].includes(name), String(stack));
      return false;
    }
  };
  const decoded = await fuzz(t, { everyDay: 20_000, bodies: [packSnappy(text), packSnappy(noise)], decodes });
  assert.ok(decoded > 500, `${decoded}`);
});
