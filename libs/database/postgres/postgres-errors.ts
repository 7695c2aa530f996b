import { DatabaseError, type DatabaseErrorCode } from '../sql/database.ts';

/*
 * By SQLSTATE, the longest prefix that matches; https://www.postgresql.org/docs/current/errcodes-appendix.html.
 * What isn't here is `unavailable`: it may well work at another time or by another server.
 */
const CODES: Readonly<Record<string, DatabaseErrorCode>> = {
  '08P01': 'invalid', // protocol violation: the number of parameters isn't the statement's
  '0A': 'invalid', // feature not supported
  '21': 'invalid', // cardinality violation
  '22': 'invalid', // data exception
  '23': 'constraint',
  '25': 'invalid', // invalid transaction state
  '25006': 'unavailable', // read-only transaction: this server is a standby, or has become one
  '25P03': 'unavailable', // idle in transaction for too long
  '25P04': 'unavailable', // transaction timeout
  '26': 'invalid', // invalid statement name
  '2B': 'constraint', // dependent objects exist
  '34': 'invalid', // invalid cursor name
  '42': 'invalid', // syntax error or access rule violation
  '44': 'constraint', // WITH CHECK OPTION violation
  '53100': 'disk_full',
  '54': 'invalid', // program limit exceeded
};

/** Of these the server has rolled everything back, and the same statements may pass when they are run again. */
const RERUN = new Set([
  '40001', // serialization failure
  '40P01', // deadlock
]);

/** After these the session is over, or of no more use. */
const SESSION_OVER = new Set(['25006', '25P03', '25P04', '57P01', '57P02', '57P03', '57P04', '57P05']);

/** The SQLSTATE of a server's refusal; undefined if something else went wrong: a connection, a time limit of ours. */
export function sqlStateOf(error: unknown): string | undefined {
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  return typeof code === 'string' && typeof severity === 'string' ? code : undefined;
}

/** Whether the server has rolled back what may well pass when it is run again from the start. */
export function mayRunAgain(error: unknown): boolean {
  const cause = error instanceof DatabaseError ? error.cause : error;
  return RERUN.has(sqlStateOf(cause ?? {}) ?? '');
}

/** Whether the connection that an error came by has to be given up. */
export function endsSession(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state === undefined || state.startsWith('08') || SESSION_OVER.has(state);
}

/** Which setting decides what a server says that lets nobody in (class 28); the first whose words it uses. */
const REFUSALS: readonly (readonly [words: RegExp, settings: string])[] = [
  [/no encryption|SSL off/, 'sslmode of database.url'],
  [/certificate/, 'sslcert and sslkey of database.url'],
  // PostgreSQL says the same of a certificate for another user.
  [/^/, 'user, password and sslcert of database.url, database.password_file'],
];

/** Why a server does not let us in, and the settings that decide it; undefined if that is not what went wrong. */
export function refusalOf(error: unknown): string | undefined {
  if (!sqlStateOf(error)?.startsWith('28')) return undefined;
  const { message } = error as { message: string };
  const [, settings] = REFUSALS.find(([words]) => words.test(message)) ?? [];
  return `it refuses us (${settings}): ${message}`;
}

/** An error of the driver or the server as ours. */
export function databaseErrorOf(error: unknown): DatabaseError {
  if (error instanceof DatabaseError) return error;
  const state = sqlStateOf(error);
  const { message, code } = error as { message?: string; code?: string };
  // A failed connect to a name with several addresses has a code and no message.
  const text = message || code || 'the connection failed';
  return new DatabaseError(state === undefined ? 'unavailable' : codeOf(state), text, { cause: error });
}

function codeOf(state: string): DatabaseErrorCode {
  return CODES[state] ?? CODES[state.slice(0, 2)] ?? 'unavailable';
}
