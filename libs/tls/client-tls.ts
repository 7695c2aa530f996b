import { readFileSync } from 'node:fs';
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import { explainTlsFault } from './tls-faults.ts';

/** What TLS to a server outside the cluster takes; all files are PEM. */
export interface TlsFiles {
  /** The authorities that the server's certificate may come from; those that Node trusts if absent. */
  readonly caFile?: string | undefined;
  /** The client's own certificate, and those above it. Needs `keyFile`. */
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  /** The name that the server's certificate must hold; the host that is connected to if absent. */
  readonly serverName?: string | undefined;
}

/** How the operator knows the fields of `TlsFiles`: error texts name these. */
export interface TlsSettingNames {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** Undefined if nothing but the address decides which name is expected. */
  readonly serverName?: string;
}

/** A file that cannot be read or holds no such PEM. Its message names the setting, never the content. */
export class TlsFileError extends Error {
  override readonly name = 'TlsFileError';
}

interface Texts {
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

/**
 * TLS 1.2 or newer to one kind of server, as a client. The server's certificate is always verified, its name too.
 *
 * The files are read again for each connection, so that certificates can be renewed without a restart. While they cannot
 * be used, which may be the case for a moment of their renewal, those read before go on.
 */
export class ClientTls {
  readonly #files: TlsFiles;
  readonly #names: TlsSettingNames;
  #texts: Texts;
  #context: SecureContext;
  #readFault: string | undefined;

  /** @throws TlsFileError if a file cannot be used now */
  constructor(files: TlsFiles, names: TlsSettingNames) {
    this.#files = files;
    this.#names = names;
    if ((files.certFile === undefined) !== (files.keyFile === undefined))
      throw new TlsFileError(`${names.cert} and ${names.key} must be set together`);
    this.#texts = this.#read();
    this.#context = this.#contextOf(this.#texts);
  }

  /**
   * Options for `tls.connect`, for any number of connections: copying them reads the files, as drivers do
   * for each connection.
   */
  connectOptions(): ConnectionOptions {
    const { serverName } = this.#files;
    const current = () => this.#current();
    return {
      get secureContext() {
        return current();
      },
      ...(serverName !== undefined && { servername: serverName }),
    };
  }

  /** What is wrong and which setting decides it, if `error` is a failure of TLS; the subject is the server. */
  explain(error: unknown): string | undefined {
    const { caFile, certFile } = this.#files;
    const given = { hasCa: caFile !== undefined, hasCertificate: certFile !== undefined };
    const text = explainTlsFault(error, this.#names, given);
    if (text === undefined || this.#readFault === undefined) return text;
    return `${text}; the previous files stay in use: ${this.#readFault}`;
  }

  #current(): SecureContext {
    try {
      const texts = this.#read();
      const { ca, cert, key } = this.#texts;
      if (texts.ca !== ca || texts.cert !== cert || texts.key !== key) {
        this.#context = this.#contextOf(texts);
        this.#texts = texts;
      }
      this.#readFault = undefined;
    } catch (error) {
      this.#readFault = (error as Error).message;
    }
    return this.#context;
  }

  #read(): Texts {
    const { caFile, certFile, keyFile } = this.#files;
    const { ca, cert, key } = this.#names;
    return {
      ca: read(caFile, ca, CERTIFICATE),
      cert: read(certFile, cert, CERTIFICATE),
      key: read(keyFile, key, PRIVATE_KEY),
    };
  }

  #contextOf({ ca, cert, key }: Texts): SecureContext {
    const names = this.#names;
    checked(names.ca, () => createSecureContext({ ca }));
    return checked(`${names.cert} with ${names.key}`, () =>
      createSecureContext({ minVersion: 'TLSv1.2', ca, cert, key }),
    );
  }
}

function checked<T>(setting: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new TlsFileError(`${setting}: ${(error as Error).message}`);
  }
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/;
const PRIVATE_KEY = /-----BEGIN (?:\w+ )?PRIVATE KEY-----/;

function read(path: string | undefined, setting: string, expected: RegExp): string | undefined {
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new TlsFileError(`${setting}: ${path} cannot be read: ${code ?? 'unknown'}`);
  }
  if (expected.test(text)) return text;
  const kind = expected === CERTIFICATE ? 'certificate' : 'private key';
  throw new TlsFileError(`${setting}: ${path} holds no ${kind} in PEM`);
}
