import assert from 'node:assert/strict';
import test from 'node:test';
import zlib from 'node:zlib';
import { DecodeError } from '@xscaler/encoding';
import { TooLargeError } from '@xscaler/wire/snappy';
import { BodyExpansion, isKnownEncoding } from './body-expansion.ts';

const MB = 1024 * 1024;

const COMPRESSORS: Readonly<Record<string, (body: Uint8Array) => Uint8Array>> = {
  gzip: zlib.gzipSync,
  'x-gzip': zlib.gzipSync,
  deflate: zlib.deflateSync,
  zstd: zlib.zstdCompressSync,
};

for (const [encoding, compress] of Object.entries(COMPRESSORS)) {
  test(`${encoding}: what expands past the bound is too large, however small it comes`, async () => {
    const expansion = new BodyExpansion();
    const exact = new Uint8Array(MB).fill(7);
    assert.ok(Buffer.from(exact).equals(await expansion.expand(compress(exact), encoding, MB)));
    const bomb = compress(new Uint8Array(64 * MB));
    assert.ok(bomb.length < MB / 4, `${bomb.length}`);
    for (const body of [compress(new Uint8Array(MB + 1)), bomb]) {
      await assert.rejects(expansion.expand(body, encoding, MB), TooLargeError);
    }
    // Several in a row are one body to some, and no way around the bound.
    const twice = Buffer.concat([compress(exact), compress(exact)]);
    const expanded = await expansion.expand(twice, encoding, MB).catch((error: unknown) => error);
    assert.ok(expanded instanceof Error || (expanded as Uint8Array).length <= MB);
  });

  test(`${encoding}: what is none, or is cut off, does not decode`, async () => {
    const expansion = new BodyExpansion();
    const whole = compress(new Uint8Array(1000).fill(3));
    for (const body of [
      new Uint8Array(20).fill(0xab),
      whole.subarray(0, whole.length - 3),
      new Uint8Array(0),
    ]) {
      await assert.rejects(expansion.expand(body, encoding, MB), DecodeError);
    }
  });
}

test('every truncated zstd body is detected, and no complete one is taken for truncated', async () => {
  const expansion = new BodyExpansion();
  const noise = Buffer.from(Array.from({ length: 9_000 }, (_, i) => (i * i * 7919) >>> 5));
  for (const level of [1, 19]) {
    for (const checksumFlag of [0, 1]) {
      const params = {
        [zlib.constants.ZSTD_c_compressionLevel]: level,
        [zlib.constants.ZSTD_c_checksumFlag]: checksumFlag,
      };
      for (const body of [noise, Buffer.alloc(700_000, 'ab'), Buffer.alloc(1), Buffer.alloc(0)]) {
        const packed = zlib.zstdCompressSync(body, { params });
        const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 9, 9]);
        for (const whole of [packed, Buffer.concat([skippable, packed])]) {
          assert.ok(body.equals(await expansion.expand(whole, 'zstd', MB)));
        }
        const twice = await expansion.expand(Buffer.concat([packed, packed]), 'zstd', 2 * MB);
        assert.ok(Buffer.concat([body, body]).equals(twice), 'frame by frame');
        for (let length = 0; length < packed.length; length += 1 + Math.floor(packed.length / 50)) {
          await assert.rejects(expansion.expand(packed.subarray(0, length), 'zstd', MB), DecodeError);
        }
        await assert.rejects(expansion.expand(Buffer.concat([packed, noise]), 'zstd', MB), DecodeError);
      }
    }
  }
});

test('too many zstd frames are refused', async () => {
  const frame = zlib.zstdCompressSync(Buffer.alloc(1));
  const many = (count: number) => Buffer.concat(Array.from({ length: count }, () => frame));
  const expansion = new BodyExpansion();
  assert.equal((await expansion.expand(many(64), 'zstd', MB)).length, 64);
  await assert.rejects(expansion.expand(many(65), 'zstd', MB), DecodeError);
  await assert.rejects(expansion.expand(many(5), 'zstd', 4), TooLargeError);
});

test('a body that is not compressed has the same bound', async () => {
  const expansion = new BodyExpansion();
  for (const encoding of [undefined, '', 'identity']) {
    assert.equal((await expansion.expand(new Uint8Array(5), encoding, 5)).length, 5);
    await assert.rejects(expansion.expand(new Uint8Array(6), encoding, 5), TooLargeError);
  }
  assert.ok(!isKnownEncoding('br'));
  assert.ok(!isKnownEncoding('toString'));
});

test('all waiting bodies are expanded, and a failed one does not block the others', async () => {
  const expansion = new BodyExpansion(2);
  const good = zlib.gzipSync(new Uint8Array(1000));
  const wanted = Array.from({ length: 40 }, (_, i) =>
    expansion.expand(i % 3 === 0 ? new Uint8Array(9) : good, 'gzip', MB).then(
      (expanded) => expanded.length,
      () => -1,
    ),
  );
  const lengths = await Promise.all(wanted);
  assert.deepEqual(
    lengths,
    lengths.map((_, i) => (i % 3 === 0 ? -1 : 1000)),
  );
});
