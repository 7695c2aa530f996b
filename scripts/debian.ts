import { spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  globSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program from outside that a test or a measurement runs beside ours. */
export interface Peer {
  readonly command: string;
  readonly debianPackage: string;
  /** Where the package puts the command, if that isn't in PATH: a glob of folders. */
  readonly folders?: string;
}

export const PROMETHEUS: Peer = { command: 'prometheus', debianPackage: 'prometheus' };
export const NODE_EXPORTER: Peer = {
  command: 'prometheus-node-exporter',
  debianPackage: 'prometheus-node-exporter',
};
export const VICTORIA_METRICS: Peer = { command: 'victoria-metrics', debianPackage: 'victoria-metrics' };
export const POSTGRES: Peer = {
  command: 'postgres',
  debianPackage: 'postgresql',
  folders: '/usr/lib/postgresql/*/bin',
};
export const REDIS: Peer = { command: 'redis-server', debianPackage: 'redis-server' };
/** Makes the certificates of tests. */
export const OPENSSL: Peer = { command: 'openssl', debianPackage: 'openssl' };
/** Kafka is its own jars: Maven fetches them, Java runs them. */
export const JAVA: Peer = { command: 'java', debianPackage: 'openjdk-17-jre-headless' };
export const MAVEN: Peer = { command: 'mvn', debianPackage: 'maven' };

/** Gives a process another clock. */
export const FAKETIME: Peer = { command: 'faketime', debianPackage: 'faketime' };

/** With it the tests make an environment for packages from PyPI. */
export const PYTHON: Peer = { command: 'python3', debianPackage: 'python3-venv' };
/** Builds an OpenTelemetry Collector of its modules. */
export const GO: Peer = { command: 'go', debianPackage: 'golang-go' };

const POLICY = '/usr/sbin/policy-rc.d';

/** Those of the peers that this machine hasn't got. */
export function missingPeers(peers: readonly Peer[]): Peer[] {
  return peers.filter(
    ({ command, folders }) => !isInPath(command) && (folders === undefined || !isIn(folders, command)),
  );
}

/** Whether `provision` can install anything here. */
export function canProvision(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && isInPath('apt-get');
}

/**
 * Installs the peers' Debian packages if this is root on Debian; returns what is missing after that.
 * Debian starts a service as soon as its package is installed; here none is, since the tests start their own.
 */
export function provision(peers: readonly Peer[]): Peer[] {
  const missing = missingPeers(peers);
  if (missing.length === 0 || !canProvision()) return missing;
  const packages = missing.map(({ debianPackage }) => debianPackage);
  console.error(`installing ${packages.join(', ')}`);
  withServicesHeldBack(() => {
    aptGet(['update']);
    aptGet(['install', '--yes', '--no-install-recommends', ...packages]);
  });
  return missingPeers(peers);
}

function aptGet(args: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync('apt-get', ['--quiet', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
  });
  if (status !== 0) console.error(`apt-get ${args.join(' ')} failed\n${stdout}${stderr}`);
}

/** `policy-rc.d` is what Debian's packages ask before they start a service; 101 forbids it. */
function withServicesHeldBack(install: () => void): void {
  const before = existsSync(POLICY) ? readFileSync(POLICY) : undefined;
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
  chmodSync(POLICY, 0o755);
  try {
    install();
  } finally {
    if (before === undefined) rmSync(POLICY);
    else writeFileSync(POLICY, before);
  }
}

function isInPath(command: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, command)));
}

function isIn(folders: string, command: string): boolean {
  return globSync(`${folders}/${command}`).some(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
