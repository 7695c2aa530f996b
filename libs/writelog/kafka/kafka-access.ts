import { readFile } from 'node:fs/promises';
import { ClientTls, type TlsFiles } from '@xscaler/tls';
import {
  type KafkajsSasl,
  passwordProviders,
  type SaslContext,
  type SaslProvider,
} from './kafkajs-inside.ts';
import type { SaslMechanism } from './sasl-mechanisms.ts';

/** Who we are to the brokers. */
export interface KafkaSaslOptions {
  readonly mechanism: SaslMechanism;
  /** Not for `oauthbearer`, whose token says it. */
  readonly username?: string;
  readonly password?: string;
  /** A file with the password, in its place; read again each time a connection authenticates. */
  readonly passwordFile?: string;
  /** A file with the token of `oauthbearer`, read again each time, so that the token can be renewed in it. */
  readonly tokenFile?: string;
}

export interface KafkaAccessOptions {
  /** Plain text if absent. */
  readonly tls?: TlsFiles;
  readonly sasl?: KafkaSaslOptions;
}

const TLS_SETTINGS = {
  ca: 'write_log.tls.ca_file',
  cert: 'write_log.tls.cert_file',
  key: 'write_log.tls.key_file',
  serverName: 'write_log.tls.server_name',
};

/** What kafkajs puts before a broker's own words. */
const KAFKAJS_PREFIX = /^SASL [\w ]+ authentication failed: /;
/** The protocol's code for a mechanism that a broker doesn't offer. */
const UNSUPPORTED_SASL_MECHANISM = 33;

/** How connections to brokers are secured, and what their failures mean to an operator. */
export class KafkaAccess {
  readonly tls: ClientTls | undefined;
  readonly sasl: KafkajsSasl | undefined;
  readonly #saslOptions: KafkaSaslOptions | undefined;

  /**
   * @throws TlsFileError if a file of TLS cannot be used
   * @throws Error if the SASL options lack something
   */
  constructor({ tls, sasl }: KafkaAccessOptions) {
    this.tls = tls === undefined ? undefined : new ClientTls(tls, TLS_SETTINGS);
    this.sasl = sasl === undefined ? undefined : saslOf(sasl);
    this.#saslOptions = sasl;
  }

  /** Why a connection could not be opened, in words that name the setting; `error` itself if it is about neither TLS nor SASL. */
  explain(error: Error, address: string): Error {
    const text = error instanceof SecretFileError ? error.message : this.#reasonOf(error, address);
    return text === undefined ? error : new Error(text, { cause: error });
  }

  /** Why a broker ended a connection before its first answer. */
  explainClosed(error: Error, address: string): Error {
    const unset = [
      ...(this.tls === undefined ? ['TLS (write_log.tls.enabled is false)'] : []),
      ...(this.sasl === undefined ? ['SASL (write_log.sasl.mechanism is not set)'] : []),
    ];
    if (unset.length === 0) return error;
    const hint = `it may ask for ${unset.join(' or ')}`;
    return new Error(`${address} ended the connection without an answer: ${hint}`, { cause: error });
  }

  #reasonOf(error: Error, address: string): string | undefined {
    const tlsFault = this.tls?.explain(error);
    if (tlsFault !== undefined) return `${address}: ${tlsFault}`;
    const sasl = this.#saslOptions;
    if (sasl === undefined) return undefined;
    if ('code' in error && error.code === UNSUPPORTED_SASL_MECHANISM)
      return `${address} does not offer SASL ${sasl.mechanism}: check write_log.sasl.mechanism`;
    if (error.name !== 'KafkaJSSASLAuthenticationError') return undefined;
    const reason = error.message.replace(KAFKAJS_PREFIX, '');
    if (sasl.mechanism === 'oauthbearer')
      return `${address} refuses the token in write_log.sasl.token_file: ${reason}`;
    const user = `user ${JSON.stringify(sasl.username)} by SASL ${sasl.mechanism}`;
    return `${address} refuses ${user} (write_log.sasl.username, write_log.sasl.password): ${reason}`;
  }
}

/** A secret's file that cannot be used at the moment it is needed. */
class SecretFileError extends Error {
  override readonly name = 'SecretFileError';
}

function saslOf(options: KafkaSaslOptions): KafkajsSasl {
  const { mechanism, username, password, passwordFile, tokenFile } = options;
  if (mechanism === 'oauthbearer') {
    if (tokenFile === undefined) throw new Error('write_log.sasl.token_file is not set');
    const token = () => secretIn(tokenFile, 'write_log.sasl.token_file');
    return { mechanism: 'OAUTHBEARER', authenticationProvider: bearer(token) };
  }
  if (username === undefined) throw new Error('write_log.sasl.username is not set');
  if (password === undefined && passwordFile === undefined)
    throw new Error('write_log.sasl.password is not set');
  const name = mechanism.toUpperCase() as keyof typeof passwordProviders;
  const authenticationProvider = (context: SaslContext) => ({
    async authenticate() {
      const found = password ?? (await secretIn(passwordFile ?? '', 'write_log.sasl.password_file'));
      await passwordProviders[name]({ username, password: found })(context).authenticate();
    },
  });
  return { mechanism: name, authenticationProvider };
}

async function secretIn(path: string, setting: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new SecretFileError(`${setting} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new SecretFileError(`${setting}: the file is empty`);
  return secret;
}

/**
 * OAUTHBEARER, RFC 7628. kafkajs' own takes every answer for a success: a server refuses a token by an answer that holds
 * the reason, and ends the connection at whatever comes next.
 *
 *     message = "n,," %x01 "auth=Bearer " token %x01 %x01
 *     answer  = length:i32 reason, empty if the token is accepted
 */
function bearer(token: () => Promise<string>): SaslProvider {
  return ({ saslAuthenticate }) => ({
    async authenticate() {
      const message = Buffer.from(`n,,\x01auth=Bearer ${await token()}\x01\x01`);
      const length = Buffer.alloc(4);
      length.writeInt32BE(message.length);
      const answer = await saslAuthenticate({
        request: { encode: async () => Buffer.concat([length, message]) },
        response: { decode: async (bytes) => bytes.subarray(4), parse: (reason) => String(reason) },
      });
      if (answer !== '') throw new BearerRefusedError(String(answer));
    },
  });
}

class BearerRefusedError extends Error {
  override readonly name = 'KafkaJSSASLAuthenticationError';
}
