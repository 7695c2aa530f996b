import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { closeDataDir } from './data-dir-modes.ts';

const root = mkdtempSync(join(tmpdir(), 'xscaler-modes-'));
after(() => rmSync(root, { recursive: true }));

const OURS = ['lock.sqlite', 'database.sqlite'];

function folder(name: string, mode: number, files: Readonly<Record<string, number>>): string {
  const dir = join(root, name);
  mkdirSync(dir);
  for (const [file, fileMode] of Object.entries(files)) {
    writeFileSync(join(dir, file), '');
    chmodSync(join(dir, file), fileMode);
  }
  chmodSync(dir, mode);
  return dir;
}

function modeOf(...path: string[]): string {
  return (statSync(join(...path)).mode & 0o7777).toString(8);
}

test('a folder and files that others may use are for their user alone afterwards, and are named with their old modes', () => {
  const dir = folder('open', 0o2775, {
    'database.sqlite': 0o644,
    'database.sqlite-wal': 0o660,
    'lock.sqlite': 0o600,
  });
  const { closed, keptOpen } = closeDataDir(dir, OURS);
  assert.deepEqual(keptOpen, []);
  assert.deepEqual(closed, [
    { path: dir, mode: '2775' },
    { path: join(dir, 'database.sqlite'), mode: '0644' },
    { path: join(dir, 'database.sqlite-wal'), mode: '0660' },
  ]);
  assert.equal(modeOf(dir), '700');
  for (const name of ['database.sqlite', 'database.sqlite-wal', 'lock.sqlite'])
    assert.equal(modeOf(dir, name), '600');
  assert.deepEqual(closeDataDir(dir, OURS), { closed: [], keptOpen: [] });
});

test('what an owner made stricter stays so', () => {
  const dir = folder('strict', 0o500, { 'database.sqlite': 0o400 });
  assert.deepEqual(closeDataDir(dir, OURS), { closed: [], keptOpen: [] });
  assert.equal(modeOf(dir, 'database.sqlite'), '400');
  chmodSync(dir, 0o700);
});

test('a folder that holds something of others keeps its mode, and so does that', () => {
  const dir = folder('shared', 0o755, { 'database.sqlite': 0o644, 'notes.txt': 0o644 });
  const { closed, keptOpen } = closeDataDir(dir, OURS);
  assert.deepEqual(
    closed.map(({ path }) => path),
    [join(dir, 'database.sqlite')],
  );
  assert.equal(keptOpen.length, 1);
  assert.match(keptOpen[0].reason, /notes\.txt/);
  assert.deepEqual([modeOf(dir), modeOf(dir, 'notes.txt')], ['755', '644']);
});

test('the root of a volume is ours although a file system has a folder there', () => {
  const dir = folder('volume', 0o755, {});
  mkdirSync(join(dir, 'lost+found'));
  closeDataDir(dir, OURS);
  assert.equal(modeOf(dir), '700');
});

test('a link in the folder is not followed; a folder that is a link itself is closed', () => {
  const dir = folder('linked', 0o755, {});
  const elsewhere = join(root, 'elsewhere');
  writeFileSync(elsewhere, '');
  chmodSync(elsewhere, 0o644);
  symlinkSync(elsewhere, join(dir, 'database.sqlite'));
  const link = join(root, 'link');
  symlinkSync(dir, link);
  closeDataDir(link, OURS);
  assert.deepEqual([modeOf(dir), modeOf(elsewhere)], ['700', '644']);
});
