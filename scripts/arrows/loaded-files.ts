import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf } from './imports.ts';

/** The files of this repository that load with `entry`, its own included. Paths are relative to `root`, with slashes. */
export function loadedFiles(root: string, entry: string): ReadonlySet<string> {
  const loaded = new Set<string>([entry]);
  for (const path of loaded) {
    for (const { specifier, kind } of importsOf(readFileSync(join(root, path), 'utf8'))) {
      const target = kind === 'value' ? resolved(root, path, specifier) : undefined;
      if (target !== undefined) loaded.add(target);
    }
  }
  return loaded;
}

function resolved(root: string, from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier);
  const ours = /^@xscaler\/([^/]+)(\/.+)?$/.exec(specifier);
  if (!ours) return undefined;
  for (const folder of ['libs', 'services']) {
    const manifest = manifestOf(join(root, folder, ours[1], 'package.json'));
    if (manifest) return posix.join(folder, ours[1], manifest.exports[`.${ours[2] ?? ''}`]);
  }
  throw new Error(`${from}: ${specifier} is not a package of this repository`);
}

function manifestOf(path: string): { readonly exports: Readonly<Record<string, string>> } | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
