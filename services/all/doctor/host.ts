import type { Config } from '../configuration/config.ts';
import { warningsOfSecretFiles } from '../configuration/secret-files.ts';
import { type Finding, fault, ok } from './finding.ts';

/** The oldest Node that the program is tested with. */
const LEAST_NODE = 26;

/** Checks that need neither data nor network: versions, and files with secrets. */
export function checkHost(config: Config): Finding[] {
  return [nodeVersion(process.versions.node), ...secretFiles(config)];
}

function nodeVersion(version: string): Finding {
  const text = `Node ${version}`;
  return Number.parseInt(version, 10) < LEAST_NODE
    ? fault(`${text} is older than ${LEAST_NODE}`, 'npm start (it brings the right one)')
    : ok(text);
}

function secretFiles(config: Config): Finding[] {
  const warnings = warningsOfSecretFiles(config);
  if (warnings.length === 0) return [ok('no secret file is readable by every user of this machine')];
  return warnings.map(({ text, mend }) => fault(text, mend));
}
