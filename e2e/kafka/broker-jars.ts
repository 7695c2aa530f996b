import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What a broker is started from. */
export interface BrokerJars {
  readonly classPath: string;
  /** A data folder formatted for KRaft: `meta.properties` is each broker's own, the rest the same for all. */
  readonly formatted: string;
}

const POM = join(import.meta.dirname, 'pom.xml');
const CACHE = join(import.meta.dirname, '../../.cache');
const FETCH_WITHIN_MS = 300_000;
const MIN_JAVA = 17;

/** Formatting asks for a whole configuration; of this one only the roles matter. */
const FORMAT_PROPERTIES = `node.id=1
process.roles=broker,controller
listeners=CLIENT://127.0.0.1:1,CONTROLLER://127.0.0.1:2
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:2
`;

/**
 * The jars, fetched by Maven where they aren't in the cache: once per machine and pom.xml, also where
 * several test processes ask at the same time.
 * @throws Error that says what is missing and what would bring it
 */
export function brokerJars(): BrokerJars {
  const version = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12);
  const folder = join(CACHE, `kafka-${version}`);
  const jars = { classPath: join(folder, 'jars', '*'), formatted: join(folder, 'formatted') };
  checkJava();
  if (!existsSync(folder)) fetchInto(folder);
  return jars;
}

function checkJava(): void {
  const { stdout, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const found = /version "(\d+)/.exec(`${stdout}${stderr}`);
  if (found && Number(found[1]) >= MIN_JAVA) return;
  throw new Error(`no Java ${MIN_JAVA} or newer: apt-get install openjdk-17-jre-headless`);
}

function fetchInto(folder: string): void {
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    const jars = join(unfinished, 'jars');
    run('mvn', ['-B', '-q', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`]);
    format(join(jars, '*'), unfinished);
    // Whoever is first wins; the others throw theirs away.
    if (!existsSync(folder)) renameSync(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

function format(classPath: string, folder: string): void {
  const properties = join(folder, 'format.properties');
  writeFileSync(properties, `${FORMAT_PROPERTIES}log.dirs=${join(folder, 'formatted')}\n`);
  run('java', ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', uuid(), '-c', properties]);
}

function run(command: string, args: readonly string[]): void {
  const { error, status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: FETCH_WITHIN_MS,
  });
  if (error && 'code' in error && error.code === 'ENOENT')
    throw new Error(`no ${command}: apt-get install maven openjdk-17-jre-headless`);
  if (error || status !== 0)
    throw new Error(`${command} failed: ${error?.message ?? ''}${stdout}${stderr}`.trim());
}

/** An id as Kafka writes them: 16 bytes in base64 for addresses, not beginning with a dash. */
export function uuid(): string {
  for (;;) {
    const text = randomBytes(16).toString('base64url');
    if (!text.startsWith('-')) return text;
  }
}

/**
 * What this machine lacks to run a broker, and the line that would bring it; undefined where nothing is missing
 * (any more: the jars are fetched here).
 */
export function missingKafka(): string | undefined {
  try {
    brokerJars();
    return undefined;
  } catch (error) {
    return `Kafka: ${error instanceof Error ? error.message : error}`;
  }
}

/**
 * The `skip` of tests that need Kafka.
 * @throws Error where it is missing and XSCALER_REQUIRE_CLUSTER=1 forbids skipping
 */
export function skipWithoutKafka(): string | false {
  const missing = missingKafka();
  if (missing !== undefined && process.env.XSCALER_REQUIRE_CLUSTER === '1') throw new Error(missing);
  return missing ?? false;
}
