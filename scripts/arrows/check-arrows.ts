/** Checks every import of the repository: between packages, between a package's folders, and for circles of files. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { fileCircles, folderCircles, folderFaults } from './folder-arrows.ts';
import { onlyReexports } from './imports.ts';
import { type Fault, packageFaults } from './package-arrows.ts';

const root = dirname(dirname(import.meta.dirname));
const paths = globSync('{libs,services,e2e,bench,simulator,scripts}/**/*.ts', {
  cwd: root,
  exclude: (path) => path.endsWith('node_modules'),
});
const sources = new Map(
  paths.sort().map((path) => [path.replaceAll('\\', '/'), readFileSync(`${root}/${path}`, 'utf8')] as const),
);

const frontDoors = new Set(
  globSync('{libs,services}/*/package.json', { cwd: root }).flatMap((manifest) => {
    const { exports = {} } = JSON.parse(readFileSync(`${root}/${manifest}`, 'utf8'));
    return Object.values<string>(exports).map((file) => posix.join(posix.dirname(manifest), file));
  }),
);
/** An exported file at a package's root that only re-exports: code in such a file is the package's own, too. */
const isFrontDoor = (path: string) =>
  frontDoors.has(path) && path.split('/').length === 3 && onlyReexports(sources.get(path) ?? '');

const faults: Fault[] = [];
for (const [path, source] of sources)
  faults.push(...packageFaults(path, source), ...folderFaults(path, source, isFrontDoor));
const circles = [...folderCircles(), ...fileCircles(sources)];
for (const { path, line, message } of faults) console.error(`${path}:${line}: ${message}`);
for (const circle of circles) console.error(circle);
console.log(`arrows: ${sources.size} files, ${faults.length} faults, ${circles.length} circles`);
if (faults.length + circles.length > 0) process.exitCode = 1;
