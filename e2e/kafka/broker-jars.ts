import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

/** What a broker is started from. */
export interface BrokerJars {
  readonly classPath: string;
  /** A data folder formatted for KRaft: `meta.properties` is each broker's own, the rest the same for all. */
  readonly formatted: string;
  /** The broker's classes as the JVM holds them in memory; without the file a start takes twice the time. */
  readonly classArchive: string;
}

/** A JVM that starts fast and stays small: its speed is nothing a test measures. */
export const JVM = ['-Xms64m', '-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

const POM = join(import.meta.dirname, 'pom.xml');
const CACHE = join(import.meta.dirname, '../../.cache');
const FETCH_WITHIN_MS = 300_000;
const ARCHIVE_AFTER_MS = 10_000;
const MIN_JAVA = 17;

/** Enough to be formatted and to start once. */
function propertiesOf(data: string): string {
  const port = 30_000 + 2 * Math.floor(Math.random() * 1_000);
  return `node.id=1
process.roles=broker,controller
listeners=CLIENT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:${port + 1}
log.dirs=${data}
`;
}

/**
 * The jars, fetched by Maven if they aren't in the cache: once per machine and pom.xml, also if
 * several test processes ask at the same time.
 * @throws Error that says what is missing and what would bring it
 */
export function brokerJars(): BrokerJars {
  const version = createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12);
  const folder = join(CACHE, `kafka-${version}`);
  const jars = {
    classPath: join(folder, 'jars', '*'),
    formatted: join(folder, 'formatted'),
    classArchive: join(folder, 'classes.jsa'),
  };
  checkJava();
  if (!existsSync(folder) && fetchInto(folder)) archiveClasses(jars);
  return jars;
}

function checkJava(): void {
  const { stdout, stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const found = /version "(\d+)/.exec(`${stdout}${stderr}`);
  if (found && Number(found[1]) >= MIN_JAVA) return;
  throw new Error(`no Java ${MIN_JAVA} or newer: apt-get install openjdk-17-jre-headless`);
}

/** Whether it was this process that did it. */
function fetchInto(folder: string): boolean {
  mkdirSync(dirname(folder), { recursive: true });
  const unfinished = mkdtempSync(`${folder}-`);
  try {
    const jars = join(unfinished, 'jars');
    run('mvn', ['-B', '-q', '-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${jars}`]);
    const properties = join(unfinished, 'format.properties');
    writeFileSync(properties, propertiesOf(join(unfinished, 'formatted')));
    const format = ['kafka.tools.StorageTool', 'format', '-t', uuid(), '-c', properties];
    run('java', ['-cp', join(jars, '*'), ...format]);
    renameSync(unfinished, folder);
    return true;
  } catch (error) {
    // The first wins; the others discard theirs.
    if (existsSync(folder)) return false;
    throw error;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** Formats the data folder that a broker's properties name, with users that may come in by SCRAM. */
export function formatData(
  { classPath }: BrokerJars,
  properties: string,
  clusterId: string,
  users: readonly { readonly mechanism: string; readonly name: string; readonly password: string }[],
): void {
  const format = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties];
  for (const { mechanism, name, password } of users)
    format.push('--add-scram', `${mechanism}=[name=${name},password=${password}]`);
  run('java', [...JVM, '-cp', classPath, ...format]);
}

/** Runs a broker for some seconds: the JVM writes the archive when it is told to end. */
function archiveClasses({ classPath, formatted, classArchive }: BrokerJars): void {
  const folder = mkdtempSync(join(dirname(classArchive), 'archive-'));
  try {
    const properties = join(folder, 'server.properties');
    cpSync(formatted, join(folder, 'data'), { recursive: true });
    writeFileSync(properties, propertiesOf(join(folder, 'data')));
    const unfinished = join(folder, 'classes.jsa');
    const java = [
      `-XX:ArchiveClassesAtExit=${unfinished}`,
      ...JVM,
      '-cp',
      classPath,
      'kafka.Kafka',
      properties,
    ];
    spawnSync('java', java, { stdio: 'ignore', timeout: ARCHIVE_AFTER_MS, killSignal: 'SIGTERM' });
    if (existsSync(unfinished)) renameSync(unfinished, classArchive);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
 * What this machine lacks to run a broker, and the line that would bring it; undefined if nothing is missing
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
 * @throws Error if it is missing and XSCALER_REQUIRE_CLUSTER=1 forbids skipping
 */
export function skipWithoutKafka(): string | false {
  const missing = missingKafka();
  if (missing !== undefined && process.env.XSCALER_REQUIRE_CLUSTER === '1') throw new Error(missing);
  return missing ?? false;
}
