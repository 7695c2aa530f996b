/** Checks every import of the repository: between packages, between a package's folders, and for circles of files. */
import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileCircles, folderCircles, folderFaults } from './folder-arrows.ts';
import { type Fault, packageFaults } from './package-arrows.ts';

const root = dirname(dirname(import.meta.dirname));
const paths = globSync('{libs,services,e2e,bench,simulator,scripts}/**/*.ts', {
  cwd: root,
  exclude: (path) => path.endsWith('node_modules'),
});
const sources = new Map(
  paths.sort().map((path) => [path.replaceAll('\\', '/'), readFileSync(`${root}/${path}`, 'utf8')] as const),
);

const faults: Fault[] = [];
for (const [path, source] of sources)
  faults.push(...packageFaults(path, source), ...folderFaults(path, source));
const circles = [...folderCircles(), ...fileCircles(sources)];
for (const { path, line, message } of faults) console.error(`${path}:${line}: ${message}`);
for (const circle of circles) console.error(circle);
console.log(`arrows: ${sources.size} files, ${faults.length} faults, ${circles.length} circles`);
if (faults.length + circles.length > 0) process.exitCode = 1;
