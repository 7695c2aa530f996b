import { readFileSync } from 'node:fs';
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
 * @throws ConfigError where a file can't be read or holds nothing, or the secret is given as well
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
