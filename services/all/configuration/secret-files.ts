import { readFileSync, statSync } from 'node:fs';
import { ConfigError, type ConfigFault } from '@xscaler/runtime/config';
import type { Config } from './config.ts';

type Section = Record<string, unknown>;

/** Where secrets stand: the section ('' is the root) and the setting; `<setting>_file` may stand in its place. */
const SECRETS: readonly (readonly [section: string, setting: string])[] = [
  ['', 'bootstrap_token'],
  ['cluster', 'redis_url'],
  ['cluster', 'secret'],
  ['database', 'url'],
];

/**
 * The configuration with each secret that is named by a file read from it.
 * @throws ConfigError if a file can't be read or holds nothing, or the secret is given as well
 */
export function withSecretsFromFiles(config: Config): Config {
  const filled = structuredClone(config);
  const faults: ConfigFault[] = [];
  for (const [section, setting] of SECRETS) {
    const settings = (section === '' ? filled : filled[section as keyof Config]) as Section;
    const path = settings[`${setting}_file`] as string;
    if (path === '') continue;
    const name = section === '' ? setting : `${section}.${setting}`;
    const fault = (problem: string) => faults.push({ where: `${name}_file`, problem });
    if (settings[setting] !== '') {
      fault(`${name} is given as well`);
      continue;
    }
    try {
      settings[setting] = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
      if (settings[setting] === '') fault('the file is empty');
    } catch (error) {
      fault(`cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
    }
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return filled;
}

/** Whose mode says that users of the machine who have nothing to do with us may read it. */
const OTHERS_READ = 0o004;

/** What is wrong with a file, and the command that mends it. */
export interface FileWarning {
  readonly text: string;
  readonly mend: string;
}

/** A warning for each file with a secret or a private key that everybody on this machine may read. */
export function warningsOfSecretFiles(config: Config): FileWarning[] {
  const { cluster, database, gateway, write_log: log } = config;
  const files = {
    bootstrap_token_file: config.bootstrap_token_file,
    'cluster.secret_file': cluster.secret_file,
    'cluster.redis_url_file': cluster.redis_url_file,
    'cluster.redis_password_file': cluster.redis_password_file,
    'cluster.redis_tls.key_file': cluster.redis_tls.key_file,
    'database.url_file': database.url_file,
    'database.password_file': database.password_file,
    'gateway.tls_key_file': gateway.tls_key_file,
    'write_log.sasl.password_file': log.sasl.password_file,
    'write_log.sasl.token_file': log.sasl.token_file,
    'write_log.tls.key_file': log.tls.key_file,
  };
  return Object.entries(files).flatMap(([setting, path]) => {
    if (path === '' || !isReadByOthers(path)) return [];
    return [{ text: `${setting}: every user of this machine may read ${path}`, mend: `chmod o= ${path}` }];
  });
}

function isReadByOthers(path: string): boolean {
  try {
    return (statSync(path).mode & OTHERS_READ) !== 0;
  } catch {
    // A missing one is refused, or waited for, by the code that needs it.
    return false;
  }
}
