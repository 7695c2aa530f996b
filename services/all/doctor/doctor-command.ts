import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { DataDirLockedError, lockDataDir } from '@xscaler/runtime';
import type { Config } from '../configuration/config.ts';
import { takeFlags } from '../configuration/own-flags.ts';
import { withDatabase } from '../data/data-files.ts';
import { requireNoRepair } from '../data/pending-repair.ts';
import { checkDataFolder } from './data-folder.ts';
import { dropBlock } from './drop-block.ts';
import { type Finding, fault, note, printed } from './finding.ts';
import { checkHost } from './host.ts';
import { repair } from './repair.ts';

export const DOCTOR_COMMANDS: readonly string[] = [
  'doctor                                (checks a data folder, or a cluster if database.url is set)',
  'doctor --repair                       (copies readable rows out of damaged files; stop the server first)',
  'doctor --drop-block ID                (gives up an unreadable block, so that queries work again)',
];

/** @returns the process' exit code: 0 without faults, 1 with some, 2 for a command that is not understood */
export async function runDoctor(
  words: readonly string[],
  argv: readonly string[],
  readConfig: (argv: readonly string[]) => Config | undefined,
): Promise<number> {
  const isRepair = argv.includes('--repair');
  const { own, rest } = takeFlags(
    argv.filter((word) => word !== '--repair'),
    ['drop-block'],
  );
  const block = own['drop-block'];
  if (words.length > 1 || block === '' || (isRepair && block !== undefined)) {
    process.stderr.write(`usage:\n${DOCTOR_COMMANDS.map((line) => `  xscaler ${line}`).join('\n')}\n`);
    return 2;
  }
  const config = readConfig(rest);
  if (config === undefined) return 2;
  try {
    const findings = await findingsOf(config, isRepair, block);
    process.stdout.write(printed(findings));
    return findings.some(({ level }) => level === 'fault') ? 1 : 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

async function findingsOf(config: Config, isRepair: boolean, block: string | undefined): Promise<Finding[]> {
  const { signal } = new AbortController();
  if (config.database.url !== '') {
    if (isRepair)
      throw new Error('--repair is for the data folder of one machine: PostgreSQL has its own tools');
    const { checkCluster, withClusterDatabase } = await import('./cluster.ts');
    if (block !== undefined) return [await withClusterDatabase(config, (db) => dropBlock(db, block, signal))];
    return [...checkHost(config), ...(await checkCluster(config, signal))];
  }
  const dir = resolve(config.data_dir);
  if (!existsSync(dir))
    return [...checkHost(config), note(`${dir} does not exist yet: the first start creates it`)];
  return withLock(dir, async () => {
    if (isRepair) return [...(await repair(dir, Date.now())), ...(await checkDataFolder(dir, signal))];
    if (block !== undefined) requireNoRepair(dir);
    if (block !== undefined) return [await withDatabase(dir, (db) => dropBlock(db, block, signal))];
    return [...checkHost(config), ...(await checkDataFolder(dir, signal))];
  });
}

/** The files of a server that runs are its own: it would neither let them be read nor stand their being repaired. */
async function withLock(dir: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    const lock = lockDataDir(dir);
    try {
      return await work();
    } finally {
      lock.release();
    }
  } catch (error) {
    if (!(error instanceof DataDirLockedError)) throw error;
    return [
      fault(`${error.message}: its files can be checked once it has stopped`, `kill ${error.pid ?? 'PID'}`),
    ];
  }
}
