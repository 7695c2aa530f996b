import type { BlockPartKind, BlockPartOut } from '../block/block-format.ts';
import type { BlockSource } from '../block/block-slices.ts';
import { type BlockSummary, writeBlock } from '../block-writing/block-writer.ts';
import type { Head } from '../head/head.ts';

/** A block's parts in memory. */
export class PartsInMemory implements BlockSource {
  readonly parts = new Map<string, Uint8Array>();

  constructor(parts: readonly BlockPartOut[]) {
    for (const { kind, number, bytes } of parts) this.parts.set(`${kind}/${number}`, bytes);
  }

  async read(kind: BlockPartKind, number: number, offset?: number, length?: number): Promise<Uint8Array> {
    const part = this.parts.get(`${kind}/${number}`);
    if (part === undefined) throw new Error(`no part ${kind}/${number}`);
    const bytes = offset === undefined ? part : part.subarray(offset, offset + (length as number));
    return bytes.slice();
  }
}

export interface WrittenBlock {
  readonly parts: readonly BlockPartOut[];
  readonly summary: BlockSummary;
}

export function blockOfHead(head: Head): WrittenBlock {
  const parts: BlockPartOut[] = [];
  const writing = writeBlock(head);
  for (let step = writing.next(); ; step = writing.next()) {
    if (step.done) return { parts, summary: step.value };
    if (step.value) parts.push(step.value);
  }
}

/** What a generator of parts yields and returns. */
export async function collectBlock(
  writing: AsyncGenerator<BlockPartOut | undefined, BlockSummary, void>,
): Promise<WrittenBlock> {
  const parts: BlockPartOut[] = [];
  for (;;) {
    const step = await writing.next();
    if (step.done) return { parts, summary: step.value };
    if (step.value) parts.push(step.value);
  }
}
