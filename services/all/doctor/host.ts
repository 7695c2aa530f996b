import { statSync } from 'node:fs';
import type { Config } from '../config.ts';
import { type Finding, fault, ok } from './finding.ts';

/** The oldest Node that the program is tested with. */
const LEAST_NODE = 26;

/** Checks that need neither data nor network: versions, and files with secrets. */
export function checkHost(config: Config): Finding[] {
  return [
    nodeVersion(process.versions.node),
    ...secretFilesOf(config).map(([name, path]) => secretFile(name, path)),
  ];
}

function nodeVersion(version: string): Finding {
  const text = `Node ${version}`;
  return Number.parseInt(version, 10) < LEAST_NODE
    ? fault(`${text} is older than ${LEAST_NODE}`, 'npm start (it brings the right one)')
    : ok(text);
}

/** Every setting that names a file with a secret, if it is set. */
function secretFilesOf(config: Config): [name: string, path: string][] {
  const named: [string, string][] = [];
  const collect = (section: object, prefix: string) => {
    for (const [key, value] of Object.entries(section)) {
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        collect(value, `${prefix}${key}.`);
      else if (/_file$/.test(key) && !/cert|ca/.test(key) && value !== '')
        named.push([prefix + key, String(value)]);
    }
  };
  collect(config, '');
  return named;
}

function secretFile(name: string, path: string): Finding {
  try {
    const { mode } = statSync(path);
    if ((mode & 0o077) === 0) return ok(`${name}: only the owner of ${path} has access to it`);
    return fault(`${name}: other users have access to ${path}`, `chmod go-rwx ${path}`);
  } catch (error) {
    return fault(`${name}: ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? 'unknown'}`);
  }
}
