import { DatabaseError, type SqlRunner } from '../sql/database.ts';
import { BLOCK_COLUMNS, blockValues } from './block-rows.ts';
import type { BlockMeta } from './block-store.ts';

/**
 * Makes a staged block one that readers are told of. Deletions up to `purgedOffset` of its partition's log are not in it.
 * Rejects with `DatabaseError` `invalid` if it isn't staged with all its parts.
 */
export async function makeLive(
  tx: SqlRunner,
  meta: BlockMeta,
  partCount: number,
  purgedOffset: number,
): Promise<void> {
  const staged = await tx.query('DELETE FROM staged_blocks WHERE block_id = $1 RETURNING block_id', [
    meta.blockId,
  ]);
  if (staged.length === 0) {
    throw new DatabaseError('invalid', `block ${meta.blockId} has no staged parts`);
  }
  const [parts] = await tx.query<{ parts: number }>(
    'SELECT COUNT(*) AS parts FROM block_parts WHERE block_id = $1',
    [meta.blockId],
  );
  if (parts?.parts !== partCount) {
    throw new DatabaseError(
      'invalid',
      `block ${meta.blockId} has ${parts?.parts} staged parts, not ${partCount}`,
    );
  }
  const values = [...blockValues(meta), purgedOffset];
  await tx.query(
    `INSERT INTO blocks (${BLOCK_COLUMNS.join(', ')}, purged_offset) VALUES (${placeholders(values.length)})`,
    values,
  );
}

/** `$1, $2, …` */
export function placeholders(count: number): string {
  return Array.from({ length: count }, (_, i) => `$${i + 1}`).join(', ');
}
