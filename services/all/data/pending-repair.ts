import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';

/** While it exists a repair is under way, or was cut short: nobody else may open the files, which are to be replaced. */
export const PENDING = 'repair.pending';

/** `saving`: new files are being written. `saved`: they are complete, and take the place of the damaged ones. */
export type RepairStep = 'saving' | 'saved';

/** How far the repair of a data folder has come; undefined if there is none. */
export function repairStep(dir: string): RepairStep | undefined {
  const path = join(dir, PENDING);
  if (!existsSync(path)) return undefined;
  return readFileSync(path, 'utf8') === 'saved' ? 'saved' : 'saving';
}

/** @throws Error if the files of the folder are being repaired: what is written to them now would be lost */
export function requireNoRepair(dir: string): void {
  if (repairStep(dir) !== undefined)
    throw new Error(`a repair of ${resolve(dir)} is in progress or was interrupted: run xscaler doctor --repair`);
}

/** Durable when it returns. */
export function noteRepair(dir: string, step: RepairStep): void {
  const path = join(dir, PENDING);
  writeFileSync(`${path}.new`, step, { mode: 0o600 });
  sync(`${path}.new`);
  renameSync(`${path}.new`, path);
  sync(dir);
}

/** The repair is through, or nothing was changed by it. */
export function forgetRepair(dir: string): void {
  rmSync(join(dir, PENDING), { force: true });
  sync(dir);
}

/** Makes a file, or the names in a folder, durable. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}
