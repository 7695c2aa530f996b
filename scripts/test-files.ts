import { globSync, statSync } from 'node:fs';
import { join } from 'node:path';

const EVERYTHING = ['libs', 'services', 'scripts', 'simulator', 'e2e'];

/**
 * Test files under `root` that the arguments name, sorted: each is a file, a folder or a glob.
 * @throws Error if an argument names no test
 */
export function testFiles(root: string, args: readonly string[]): string[] {
  const files = new Set<string>();
  for (const arg of args.length > 0 ? args : EVERYTHING) {
    const found = globSync(patternOf(root, arg), {
      cwd: root,
      exclude: (path) => path.endsWith('node_modules'),
    }).filter((path) => path.endsWith('.test.ts'));
    if (found.length === 0 && args.length > 0) throw new Error(`no test files in ${arg}`);
    for (const path of found) files.add(path.replaceAll('\\', '/'));
  }
  return [...files].sort();
}

function patternOf(root: string, arg: string): string {
  const isFolder = statSync(join(root, arg), { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? `${arg.replace(/\/+$/, '')}/**/*.test.ts` : arg;
}

/**
 * Spreads the files that mostly wait evenly among the others, so that both kinds run at any time. Each kind keeps its
 * order.
 */
export function inTurn(files: readonly string[], waits: (path: string) => boolean): string[] {
  const waiting = files.filter(waits);
  const others = files.filter((path) => !waits(path));
  const order: string[] = [];
  let next = 0;
  for (const [index, path] of waiting.entries()) {
    order.push(path);
    const due = Math.round(((index + 1) * others.length) / waiting.length);
    while (next < due) order.push(others[next++]);
  }
  return [...order, ...others.slice(next)];
}
