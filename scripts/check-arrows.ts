import { globSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Fault, faultsOf } from './arrows.ts';

const root = dirname(import.meta.dirname);
const sources = globSync('{libs,services,e2e,bench,simulator}/**/*.ts', {
  cwd: root,
  exclude: (path) => path.endsWith('node_modules'),
});

const faults: Fault[] = [];
for (const path of sources.sort()) {
  faults.push(...faultsOf(path.replaceAll('\\', '/'), readFileSync(`${root}/${path}`, 'utf8')));
}
for (const { path, line, message } of faults) console.error(`${path}:${line}: ${message}`);
console.log(`arrows: ${sources.length} files, ${faults.length} faults`);
if (faults.length > 0) process.exitCode = 1;
