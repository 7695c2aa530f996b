import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** While it exists the repaired files are complete and are taking the place of the damaged ones: no server may start. */
export const PENDING = 'repair.pending';

/** Whether a repair was cut short between two of its files. */
export function isRepairPending(dir: string): boolean {
  return existsSync(join(dir, PENDING));
}
