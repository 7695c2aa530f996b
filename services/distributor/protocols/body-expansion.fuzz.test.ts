import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import { fuzz } from '@xscaler/testkit';
import { BodyExpansion } from './body-expansion.ts';

const MAX_BYTES = 100_000;
const TEXT = Buffer.from(Array.from({ length: 60 }, (_, i) => `instance="10.0.${i}.1",job="api"`).join());
const NOISE = Buffer.from(Array.from({ length: 300 }, (_, i) => (i * i * 7919) >>> 5));

const COMPRESSORS: Readonly<Record<string, (body: Uint8Array) => Buffer>> = {
  gzip: zlib.gzipSync,
  deflate: zlib.deflateSync,
  zstd: zlib.zstdCompressSync,
};

for (const [encoding, compress] of Object.entries(COMPRESSORS)) {
  test(`${encoding}: mutated bodies expand within the bound or are refused`, async (t) => {
    const expansion = new BodyExpansion();
    const decodes = async (damaged: Uint8Array): Promise<boolean> => {
      try {
        assert.ok((await expansion.expand(damaged, encoding, MAX_BYTES)).length <= MAX_BYTES);
        return true;
      } catch (error) {
        const { name, stack } = error as Error;
        assert.ok(['DecodeError', 'TooLargeError'].includes(name), String(stack));
        return false;
      }
    };
    const twice = Buffer.concat([compress(TEXT), compress(NOISE)]);
    const bodies = [compress(TEXT), compress(NOISE), twice];
    const decoded = await fuzz(t, { everyDay: 5_000, bodies, decodes });
    // Of gzip a checksum over all of it refuses the most.
    assert.ok(decoded > 10, `${decoded}`);
  });
}
