import type { ConnectionOptions } from 'node:tls';
import { ClientTls } from '@xscaler/tls';
import { DatabaseError } from '../sql/database.ts';

/**
 * The parameters by which libpq decides about TLS, in its words and with its meaning:
 * https://www.postgresql.org/docs/current/libpq-ssl.html. pg's own reading of them is another one.
 *
 * Two things differ. `disable` is the default, and `allow` and `prefer` are refused: they encrypt unless somebody on the way
 * prevents it. There are no files in a home folder: `verify-full` without `sslrootcert` trusts what Node trusts, as it does
 * with `sslrootcert=system`.
 */
export interface PostgresTlsOptions {
  /**
   * - `disable`: plain text.
   * - `require`: encrypted, without checking the server; with `sslrootcert` the same as `verify-ca`.
   * - `verify-ca`: the server's certificate comes from an authority in `sslrootcert`.
   * - `verify-full`: it is also for the host of the URL.
   */
  readonly sslmode?: string;
  /** A PEM file, or `system`. */
  readonly sslrootcert?: string;
  /** The client's certificate and those above it, a PEM file. Needs `sslkey`. */
  readonly sslcert?: string;
  readonly sslkey?: string;
  /** `prefer` (the default): a password by SCRAM is bound to the server's certificate if the server can do it. Or `disable`. */
  readonly channel_binding?: string;
}

/** What the driver is told, and what its failures mean. */
export interface PostgresTls {
  /** For all connections: its files are read again for each. */
  readonly connectOptions: ConnectionOptions;
  readonly bindsChannel: boolean;
  /** What went wrong with TLS, and the parameter that decides it; undefined if it was something else. */
  explain(error: unknown): string | undefined;
}

const PARAMETERS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'channel_binding'] as const;
const SSL_MODES = ['disable', 'require', 'verify-ca', 'verify-full'];
const UNSAFE_MODES = ['allow', 'prefer'];
const SYSTEM = 'system';

const NAMES = {
  ca: 'sslrootcert of database.url',
  cert: 'sslcert of database.url',
  key: 'sslkey of database.url',
};

/** @throws DatabaseError `invalid` if there is another parameter, or one twice */
export function tlsParametersOf(params: URLSearchParams): PostgresTlsOptions {
  const options: Partial<Record<(typeof PARAMETERS)[number], string>> = {};
  for (const [name, value] of params) {
    const known = PARAMETERS.find((parameter) => parameter === name);
    if (known === undefined) throw invalid(`the database URL has an unknown parameter ${name}`);
    if (options[known] !== undefined) throw invalid(`the database URL has ${name} twice`);
    options[known] = value;
  }
  return options;
}

/**
 * Undefined for plain text.
 * @throws DatabaseError `invalid` if the parameters contradict each other or a file cannot be used
 */
export function postgresTlsOf(options: PostgresTlsOptions): PostgresTls | undefined {
  const { sslmode = 'disable', sslrootcert, sslcert, sslkey, channel_binding = 'prefer' } = options;
  if (UNSAFE_MODES.includes(sslmode))
    throw invalid(`sslmode=${sslmode} gives no protection: use disable, or require or stricter`);
  if (!SSL_MODES.includes(sslmode))
    throw invalid(`sslmode is one of ${SSL_MODES.join(', ')}, not ${JSON.stringify(sslmode)}`);
  if (!['prefer', 'disable'].includes(channel_binding))
    throw invalid(`channel_binding is prefer or disable, not ${JSON.stringify(channel_binding)}`);
  if (sslmode === 'disable') {
    // A URL that names certificates means an encrypted connection; libpq's default would be to try.
    if (sslrootcert ?? sslcert ?? sslkey) throw invalid('sslrootcert, sslcert and sslkey need an sslmode');
    return undefined;
  }
  if (sslrootcert === SYSTEM && sslmode !== 'verify-full')
    throw invalid('sslrootcert=system needs sslmode=verify-full: anyone can get a certificate for some name');
  if (sslrootcert === undefined && sslmode === 'verify-ca')
    throw invalid('sslmode=verify-ca needs an sslrootcert');
  const caFile = sslrootcert === SYSTEM ? undefined : sslrootcert;
  const tls = clientTls({ caFile, certFile: sslcert, keyFile: sslkey });
  const connectOptions = tls.connectOptions();
  if (sslmode === 'require' && caFile === undefined) connectOptions.rejectUnauthorized = false;
  else if (sslmode !== 'verify-full') connectOptions.checkServerIdentity = () => undefined;
  return {
    connectOptions,
    bindsChannel: channel_binding === 'prefer',
    explain: (error) => noTls(error, sslmode) ?? tls.explain(error),
  };
}

function clientTls(files: ConstructorParameters<typeof ClientTls>[0]): ClientTls {
  try {
    return new ClientTls(files, NAMES);
  } catch (error) {
    throw invalid((error as Error).message);
  }
}

/** The driver's words for a server without TLS. */
function noTls(error: unknown, sslmode: string): string | undefined {
  if (!(error instanceof Error) || error.message !== 'The server does not support SSL connections')
    return undefined;
  return `it does not support TLS, which is required by sslmode=${sslmode} of database.url`;
}

function invalid(message: string): DatabaseError {
  return new DatabaseError('invalid', message);
}
