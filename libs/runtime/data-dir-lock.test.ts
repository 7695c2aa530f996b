import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DataDirLockedError, lockDataDir } from './data-dir-lock.ts';

const dir = mkdtempSync(join(tmpdir(), 'xscaler-lock-'));
after(() => rmSync(dir, { recursive: true }));

test('a folder is for one at a time, within a process too, and free again after its release', () => {
  const lock = lockDataDir(join(dir, 'a/b'));
  assert.throws(
    () => lockDataDir(join(dir, 'a/b')),
    (error: unknown) => {
      assert.ok(error instanceof DataDirLockedError);
      assert.equal(error.code, 'data_dir_locked');
      assert.equal(error.pid, process.pid);
      assert.match(error.message, new RegExp(`data folder .*/a/b is in use by process ${process.pid}`));
      return true;
    },
  );
  lock.release();
  lock.release();
  lockDataDir(join(dir, 'a/b')).release();
});

test('a process that is killed leaves no lock behind', async () => {
  const path = join(dir, 'c');
  const module = JSON.stringify(new URL('./data-dir-lock.ts', import.meta.url).href);
  const code = `import(${module}).then(({ lockDataDir }) => lockDataDir(${JSON.stringify(path)}))
    .then(() => console.log('locked')); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(holder.stdout, 'data');
  assert.throws(() => lockDataDir(path), { code: 'data_dir_locked', pid: holder.pid });
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  lockDataDir(path).release();
});

test('a folder that cannot be made is its own error', () => {
  assert.throws(() => lockDataDir('/dev/null/x'), { code: 'ENOTDIR' });
});
