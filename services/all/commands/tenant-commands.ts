import { existsSync } from 'node:fs';
import { type Database, migrate, openSqliteDatabase } from '@xscaler/database';
import {
  type AuditEntry,
  type Limits,
  TenancyError,
  type TenantState,
  TenantStore,
  type TokenScope,
} from '@xscaler/tenancy';
import type { Config } from '../configuration/config.ts';
import { takeFlags } from '../configuration/own-flags.ts';
import { databasePath } from '../data/data-folder.ts';
import { requireNoRepair } from '../data/pending-repair.ts';
import { commandClockFault } from './command-clock.ts';
import { OPERATOR } from './operator.ts';
import { describeShard, setShard } from './shard-commands.ts';

export const TENANT_COMMANDS: readonly string[] = [
  'tenant create ID | tenant list',
  'tenant delete ID [--reason TEXT] | tenant restore ID   (rejects its tokens at once; deletes its data after a grace period)',
  'tenant audit [--limit N]   (lists changes to tenants, tokens and series, newest first)',
  'tenant shard ID [--size N|all|auto]   (the number of partitions it is spread over; auto: by its series limit)',
  'token create TENANT [--scope read+write|write|read|admin] [--name NAME] | token list TENANT | token revoke TOKEN_ID',
];

/** Commands that change nothing. */
const READS: readonly string[] = ['tenant list', 'tenant audit', 'token list'];

const SCOPES: readonly string[] = ['write', 'read', 'read+write', 'admin'];

/**
 * Tenants and tokens, against the database that the configuration names: PostgreSQL, or the embedded one of `data_dir`,
 * whether the server runs or not. Running gateways see a change within a second.
 * @returns the process' exit code
 */
export async function runTenantCommand(
  words: readonly string[],
  argv: readonly string[],
  readConfig: (argv: readonly string[]) => Config | undefined,
): Promise<number> {
  const { own, rest } = takeFlags(argv, ['scope', 'name', 'size', 'reason', 'limit']);
  const config = readConfig(rest);
  if (config === undefined) return 2;
  try {
    const db = await openDatabase(config);
    try {
      if (!READS.includes(words.slice(0, 2).join(' '))) {
        const fault = await commandClockFault(db, config.cluster.max_clock_skew);
        if (fault !== undefined) throw new UsageError(`nothing was changed: ${fault}`);
      }
      process.stdout.write(await execute(db, config.limits, words, own));
    } finally {
      await db.close();
    }
    return 0;
  } catch (error) {
    const known = error instanceof UsageError || error instanceof TenancyError;
    process.stderr.write(
      `${(error as Error).message}\n${known ? '' : 'the change may or may not have been made: check before trying again\n'}`,
    );
    return known ? 2 : 1;
  }
}

class UsageError extends Error {}

type OwnFlags = Partial<Record<'scope' | 'name' | 'size' | 'reason' | 'limit', string>>;

async function execute(
  db: Database,
  defaults: Limits,
  words: readonly string[],
  own: OwnFlags,
): Promise<string> {
  const store = new TenantStore(db);
  const [what, action, id] = words;
  switch (`${what} ${action}`) {
    case 'tenant create': {
      const defaultSeriesLimit = defaults.max_global_series_per_user;
      const tenant = await store.createTenant(
        { id: required(id, 'ID'), name: own.name ?? required(id, 'ID'), defaultSeriesLimit },
        OPERATOR,
      );
      return `${tenant.id}\n`;
    }
    case 'tenant list': {
      const tenants = await store.tenants();
      return tenants.map((tenant) => `${tenant.id}\t${tenant.state}\n`).join('');
    }
    case 'tenant delete':
      await expectState(store, required(id, 'ID'), (state) => state !== 'deleted');
      await store.setState(required(id, 'ID'), 'deleted', own.reason ?? '', OPERATOR);
      return 'deleted\n';
    case 'tenant restore':
      await expectState(store, required(id, 'ID'), (state) => state === 'deleted');
      await store.setState(required(id, 'ID'), 'active', '', OPERATOR);
      return 'active\n';
    case 'tenant audit':
      return auditText(await store.auditLog(auditLimit(own.limit ?? '100')));
    case 'tenant shard': {
      const tenant = required(id, 'ID');
      if (own.size !== undefined) await setShard(db, defaults, tenant, own.size);
      return describeShard(db, tenant);
    }
    case 'token create': {
      const scope = own.scope ?? 'read+write';
      if (!SCOPES.includes(scope)) throw new UsageError(`--scope must be one of ${SCOPES.join(', ')}`);
      const tenant = required(id, 'TENANT');
      const token = { tenant, name: own.name ?? 'cli', scope: scope as TokenScope };
      return `${(await store.createToken(token, OPERATOR)).text}\n`;
    }
    case 'token list': {
      const tokens = await store.tokens(required(id, 'TENANT'));
      return tokens.map((token) => `${token.id}\t${token.scope}\t${token.status}\t${token.name}\n`).join('');
    }
    case 'token revoke':
      await store.revokeToken(required(id, 'TOKEN_ID'), OPERATOR);
      return 'revoked\n';
    default:
      throw new UsageError(`usage:\n${TENANT_COMMANDS.map((line) => `  xscaler ${line}`).join('\n')}`);
  }
}

/** Rejects with `TenancyError` if there is no such tenant or it isn't in such a state. */
async function expectState(
  store: TenantStore,
  id: string,
  isWanted: (state: TenantState) => boolean,
): Promise<void> {
  const tenant = await store.tenant(id);
  if (tenant === undefined) throw new TenancyError('not_found', `there is no tenant ${id}`);
  if (!isWanted(tenant.state)) throw new TenancyError('invalid', `tenant ${id} is ${tenant.state}`);
}

function auditLimit(text: string): number {
  const limit = Number(text);
  if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--limit must be a number above 0');
  return limit;
}

function auditText(entries: readonly AuditEntry[]): string {
  return entries
    .map(({ atMs, who, from, action, tenant, detail }) =>
      [new Date(atMs).toISOString(), who, from, action, tenant, detail].join('\t'),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function required(word: string | undefined, name: string): string {
  if (word === undefined) throw new UsageError(`${name} is missing`);
  return word;
}

async function openDatabase(config: Config): Promise<Database> {
  const { url, password_file: passwordFile } = config.database;
  if (url !== '') {
    const { openPostgresDatabase } = await import('@xscaler/database/postgres');
    const db = openPostgresDatabase({ url, ...(passwordFile !== '' && { passwordFile }), maxConnections: 1 });
    await migrate(db);
    return db;
  }
  const path = databasePath(config.data_dir);
  if (!existsSync(path))
    throw new UsageError(`no database at ${path}: start the server once, or set database.url`);
  requireNoRepair(config.data_dir);
  return openSqliteDatabase(path);
}
