import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BlockMeta, BlockPart } from '@xscaler/database';
import { Labels } from '@xscaler/model';
import { Head, writeBlock } from '@xscaler/tsdb';
import { BlockReaders } from './block-readers.ts';

const WINDOW_MS = 7_200_000;
const SERIES = 2_000;

function parts(): BlockPart[] {
  const head = new Head({
    tenant: 'demo',
    partition: 0,
    windowStartMs: 0,
    windowMs: WINDOW_MS,
    seq: 0,
    fromOffset: 0,
  });
  for (let i = 0; i < SERIES; i++)
    head.append(head.create(i, 1, 2, 3, Labels.of({ __name__: 'up', pod: `pod-${i}` })), i, 0, 0);
  return [...writeBlock(head)].filter((part) => part !== undefined);
}

function metaOf(blockId: string): BlockMeta {
  return {
    blockId,
    tenant: 'demo',
    partition: 0,
    level: 0,
    windowStartMs: 0,
    windowMs: WINDOW_MS,
    seq: 0,
    fromOffset: 0,
    toOffset: 1,
    minTimeMs: 0,
    maxTimeMs: SERIES,
    seriesCount: SERIES,
    sampleCount: SERIES,
    digest: '',
  };
}

class Blocks {
  readonly #parts = parts();
  reads = 0;

  async readPart(blockId: string, kind: string, number: number, offset?: number, length?: number) {
    this.reads++;
    const part = this.#parts.find((one) => one.kind === kind && one.number === number);
    if (part === undefined) throw new Error(`no part ${kind}/${number} of ${blockId}`);
    return offset === undefined ? part.bytes : part.bytes.slice(offset, offset + (length ?? 0));
  }
}

test('the indexes of any number of blocks stay within the byte limit', async () => {
  const maxBytes = 500_000;
  const readers = new BlockReaders(new Blocks(), maxBytes, 0);
  const { signal } = new AbortController();
  for (let i = 0; i < 20; i++) {
    const found = await readers.reader(metaOf(`block-${i}`)).series([], signal);
    assert.equal(found.length, SERIES);
    assert.ok(readers.byteSize > 0 && readers.byteSize <= maxBytes, `${readers.byteSize} bytes`);
  }
});

test('a second read of a block comes from memory', async () => {
  const blocks = new Blocks();
  const readers = new BlockReaders(blocks, 10_000_000, 0);
  const { signal } = new AbortController();
  await readers.reader(metaOf('one')).series([], signal);
  const { reads } = blocks;
  assert.ok(reads > 0);
  await readers.reader(metaOf('one')).series([], signal);
  assert.equal(blocks.reads, reads);
  await readers.reader(metaOf('two')).series([], signal);
  assert.equal(blocks.reads, 2 * reads);
});
