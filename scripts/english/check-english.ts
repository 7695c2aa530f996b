/**
 * Checks comments, strings and Markdown for phrases that read as translated: everything under version control, or the
 * files and folders given as arguments.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { proseOfCode, proseOfMarkdown } from './prose.ts';
import { englishFaults } from './rules.ts';

/** The rules themselves name what they refuse. */
const EXCEPT = /^scripts\/english\/|\/testdata\//;

const root = dirname(dirname(import.meta.dirname));
const listed = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '-z', ...process.argv.slice(2)],
  {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  },
);
const paths = listed
  .split('\0')
  .filter((path) => /\.(?:[cm]?[jt]s|md)$/.test(path) && !EXCEPT.test(path) && existsSync(join(root, path)));

let count = 0;
for (const path of paths) {
  const source = readFileSync(join(root, path), 'utf8');
  const prose = path.endsWith('.md') ? proseOfMarkdown(source) : proseOfCode(source);
  for (const { line, words, advice } of prose.flatMap(englishFaults)) {
    count++;
    console.error(`${path}:${line}: "${words}": ${advice}`);
  }
}
console.log(`english: ${paths.length} files, ${count} faults`);
if (count > 0) process.exitCode = 1;
