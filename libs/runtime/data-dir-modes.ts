import { chmodSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** For its user alone: a folder, and a file. */
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const MODE_BITS = 0o7777;
const OTHERS_BITS = 0o077;

/** What a file system puts at the root of a volume: it says nothing about who uses the folder. */
const FILE_SYSTEMS_OWN = ['lost+found'];

export interface OpenPath {
  readonly path: string;
  /** Octal, as `chmod` takes it. */
  readonly mode: string;
}

export interface KeptOpen extends OpenPath {
  /** Why its mode was not changed. */
  readonly reason: string;
}

export interface ClosedPaths {
  readonly closed: readonly OpenPath[];
  readonly keptOpen: readonly KeptOpen[];
}

/**
 * Takes a data folder and our files in it away from everybody but their user: 0700 and 0600, whatever an earlier release or
 * an operator made them. A folder that holds something else too keeps its mode, since others may need it (`/tmp`, for one).
 * `ourNames` are the files that are ours; so is what has such a name with something behind it, as SQLite's `-wal` has.
 */
export function closeDataDir(dir: string, ourNames: readonly string[]): ClosedPaths {
  const closed: OpenPath[] = [];
  const keptOpen: KeptOpen[] = [];
  const names = readdirSync(dir);
  const isOurs = (name: string) => ourNames.some((ours) => name.startsWith(ours));
  const foreign = names.find((name) => !isOurs(name) && !FILE_SYSTEMS_OWN.includes(name));
  for (const { path, mode } of openPaths(dir, names.filter(isOurs))) {
    if (path === dir && foreign !== undefined) {
      keptOpen.push({ path, mode, reason: `it also contains ${foreign}, which is not xscaler's` });
      continue;
    }
    try {
      chmodSync(path, path === dir ? FOLDER_MODE : FILE_MODE);
      closed.push({ path, mode });
    } catch (error) {
      keptOpen.push({ path, mode, reason: (error as NodeJS.ErrnoException).code ?? String(error) });
    }
  }
  return { closed, keptOpen };
}

/** Those of a folder and of files in it that others than their user may read, write or enter. */
function openPaths(dir: string, names: readonly string[]): OpenPath[] {
  const paths = [dir, ...names.map((name) => join(dir, name))];
  return paths.flatMap((path) => {
    // The folder may be a link to where the data is; a link in it is not ours. SQLite may have removed a file meanwhile.
    const found = path === dir ? statSync(path) : lstatSync(path, { throwIfNoEntry: false });
    const isOpen = found !== undefined && !found.isSymbolicLink() && (found.mode & OTHERS_BITS) !== 0;
    return isOpen ? [{ path, mode: (found.mode & MODE_BITS).toString(8).padStart(4, '0') }] : [];
  });
}
