import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgresDatabase } from '@xscaler/database/postgres';
import type { TestAuthority } from '@xscaler/testkit';
import { freePort, RunningProgram, sleep } from '../harness/index.ts';

const READY_WITHIN_MS = 30_000;
const USER = 'xscaler';

/** Where Debian's packages put the server of each version. */
const BINARIES = '/usr/lib/postgresql/*/bin/postgres';

/** What this machine lacks to run a PostgreSQL server, and the line that would bring it. */
export function missingPostgres(): string | undefined {
  if (globSync(BINARIES).length === 0) return 'no PostgreSQL server: apt-get install postgresql';
  if (isRoot() && idOf('-u') === undefined) return 'PostgreSQL refuses root: adduser --system postgres';
  return undefined;
}

/**
 * The `skip` of tests that need PostgreSQL.
 * @throws Error if it is missing and XSCALER_REQUIRE_CLUSTER=1 forbids skipping
 */
export function skipWithoutPostgres(): string | false {
  const missing = missingPostgres();
  if (missing !== undefined && process.env.XSCALER_REQUIRE_CLUSTER === '1') throw new Error(missing);
  return missing ?? false;
}

/** A real PostgreSQL with data of its own, on a loopback port that stays the same over restarts. */
export class PostgresServer {
  readonly port: number;
  readonly password = randomBytes(12).toString('hex');
  readonly #folder: string;
  readonly #binaries: string;
  readonly #settings: string[];
  /** What an address ends with. */
  #parameters = '';
  #program: RunningProgram | undefined;
  #databases = 0;

  private constructor(port: number, settings: Readonly<Record<string, string>>) {
    this.port = port;
    const [binary] = globSync(BINARIES).sort().slice(-1);
    this.#binaries = join(binary, '..');
    this.#folder = mkdtempSync(join(tmpdir(), 'xscaler-postgres-'));
    this.#settings = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#initialise();
  }

  /** Started and ready; `settings` are server settings by name. */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), settings);
    await server.start();
    return server;
  }

  /**
   * A server that nobody reaches but by TLS, with a certificate of `authority` for the user's name, and a password by SCRAM.
   * Its own certificate is for `localhost` and the loopback's address.
   */
  static async startSecured(authority: TestAuthority): Promise<PostgresServer> {
    const server = new PostgresServer(await freePort(), {});
    server.#secure(authority);
    await server.start();
    return server;
  }

  /** The address of a database, with the password and, if the server asks for them, the certificates. */
  url(database = 'postgres', port = this.port): string {
    return `postgres://${USER}:${this.password}@127.0.0.1:${port}/${database}${this.#parameters}`;
  }

  get program(): RunningProgram {
    if (!this.#program) throw new Error('not started');
    return this.#program;
  }

  /** Makes an empty database and returns its name. */
  async createDatabase(): Promise<string> {
    const name = `test_${++this.#databases}`;
    await this.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    return name;
  }

  /** Runs one statement as the superuser, on a connection of its own. */
  async query(sql: string, database = 'postgres'): Promise<readonly Record<string, unknown>[]> {
    const db = openPostgresDatabase({ url: this.url(database), maxConnections: 1 });
    try {
      return await db.query(sql);
    } finally {
      await db.close();
    }
  }

  /** `env`: what the server, and not what starts it, gets beside the environment of the test. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const [command, ...args] = asServerUser([
      ...['env', ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      join(this.#binaries, 'postgres'),
      ...['-D', join(this.#folder, 'data'), '-p', String(this.port)],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', 'shared_buffers=32MB', '-c', 'max_connections=200', ...this.#settings],
    ]);
    this.#program = new RunningProgram(command, args);
    await this.#untilReady(this.#program);
  }

  /** The orderly stop: connections are cut, a checkpoint is written. */
  async stop(): Promise<void> {
    await this.program.end('SIGINT');
  }

  /** SIGKILL for every process of it, all at the same moment. */
  async kill(): Promise<void> {
    const pids = this.#processes();
    for (const pid of pids) signal(pid, 'SIGSTOP');
    for (const pid of this.#processes()) signal(pid, 'SIGKILL');
    await this.program.exited;
  }

  /** Every process stands still: connections stay open and nothing answers. */
  pause(): void {
    for (const pid of this.#processes()) signal(pid, 'SIGSTOP');
  }

  resume(): void {
    for (const pid of this.#processes()) signal(pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Ends it and takes its data away. */
  async dispose(): Promise<void> {
    if (this.#program?.isRunning) {
      this.resume();
      // At once, and unlike after SIGKILL it waits for its children first.
      await this.#program.end('SIGQUIT');
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** The postmaster and what it has started. */
  #processes(): number[] {
    const { pid } = this.program;
    return [pid, ...childrenOf(pid)];
  }

  #secure(authority: TestAuthority): void {
    const altNames = ['DNS:localhost', 'IP:127.0.0.1'];
    const { certFile, keyFile } = authority.issue({ commonName: 'postgres', altNames });
    const own = (name: string, text: string | Buffer) => {
      const path = join(this.#folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      giveToServerUser(path);
      return path;
    };
    const files = {
      ssl_cert_file: own('server.pem', readFileSync(certFile)),
      ssl_key_file: own('server.key', readFileSync(keyFile)),
      ssl_ca_file: own('ca.pem', readFileSync(authority.caFile)),
      hba_file: own('pg_hba.conf', 'hostssl all all 127.0.0.0/8 scram-sha-256 clientcert=verify-full\n'),
    };
    this.#settings.push('-c', 'ssl=on', '-c', 'listen_addresses=127.0.0.1,127.0.0.2');
    for (const [name, path] of Object.entries(files)) this.#settings.push('-c', `${name}=${path}`);
    const client = authority.issue({ commonName: USER });
    const ours = `&sslrootcert=${authority.caFile}&sslcert=${client.certFile}&sslkey=${client.keyFile}`;
    this.#parameters = `?sslmode=verify-full${ours}`;
  }

  #initialise(): void {
    const passwordFile = join(this.#folder, 'password');
    writeFileSync(passwordFile, this.password);
    giveToServerUser(this.#folder);
    giveToServerUser(passwordFile);
    const [command, ...args] = asServerUser([
      join(this.#binaries, 'initdb'),
      ...['--pgdata', join(this.#folder, 'data'), '--username', USER, '--pwfile', passwordFile],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
    ]);
    const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: this.#folder });
    if (status !== 0) throw new Error(`initdb failed: ${stdout}${stderr}`);
  }

  async #untilReady(program: RunningProgram): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    for (;;) {
      try {
        await this.query('SELECT 1');
        return;
      } catch (error) {
        if (!program.isRunning || Date.now() > deadline) {
          throw new Error(`PostgreSQL isn't ready:\n${program.output}`, { cause: error });
        }
        await sleep(50);
      }
    }
  }
}

/** The command line as the user PostgreSQL runs as, who goes when this process goes. */
function asServerUser(command: readonly string[]): string[] {
  const change = isRoot() ? ['--reuid=postgres', '--regid=postgres', '--clear-groups'] : [];
  return ['setpriv', ...change, '--pdeathsig=QUIT', '--', ...command];
}

function giveToServerUser(path: string): void {
  if (isRoot()) chownSync(path, Number(idOf('-u')), Number(idOf('-g')));
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** An id of the user `postgres`: `-u` its own, `-g` its group's. */
function idOf(option: '-u' | '-g'): string | undefined {
  const { status, stdout } = spawnSync('id', [option, 'postgres'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
