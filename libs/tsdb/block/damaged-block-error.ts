import type { BlockPartKind } from './block-format.ts';

/** A part of a block is not what was written. */
export class DamagedBlockError extends Error {
  override readonly name = 'DamagedBlockError';
  readonly blockId: string;
  readonly kind: BlockPartKind;
  readonly number: number;

  constructor(blockId: string, kind: BlockPartKind, number: number, fault: string, options?: ErrorOptions) {
    super(`block ${blockId}, ${kind} ${number}: ${fault}`, options);
    this.blockId = blockId;
    this.kind = kind;
    this.number = number;
  }
}
