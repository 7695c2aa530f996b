// Brings node_modules up to what pnpm-lock.yaml says, the runtime (npm package `node`) included.
// Plain JavaScript: this one file runs on whatever Node the machine has.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM = 'pnpm@12.21.0';
const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** pnpm leaves a copy of the lockfile beside what it installed from it; starting pnpm to learn that costs seconds. */
function isInstalled() {
  const installed = join(root, 'node_modules/.pnpm/lock.yaml');
  const runtime = join(root, 'node_modules/node/bin');
  if (!existsSync(installed) || !existsSync(runtime)) return false;
  return readFileSync(installed).equals(readFileSync(join(root, 'pnpm-lock.yaml')));
}

if (!isInstalled()) {
  console.error(`installing dependencies with ${PNPM}`);
  const options = ['--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=error'];
  const { status } = spawnSync('npx', ['--yes', PNPM, 'install', ...options], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: { ...process.env, CI: 'true' },
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.exit(status ?? 1);
}
