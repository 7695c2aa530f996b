import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';

export interface ServiceTlsOptions {
  /** PEM: this service's certificate with those above it, and its key; both or neither. Servers need them. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** PEM: the authorities that must have signed other services' certificates. */
  readonly caFile: string;
  /** Whether a server takes calls only from those who show a certificate of these authorities. Default: no. */
  readonly requireClientCert?: boolean;
  /** The name that a server's certificate must have; the host of its address where absent. */
  readonly serverName?: string;
  /** How often the files are read again. Default 10,000. */
  readonly checkIntervalMs?: number;
  /** Called at each check that finds unusable files; the last good ones stay in use. */
  readonly onError?: (error: Error) => void;
}

/** What was read from the files; all of one moment. */
export interface TlsMaterial {
  readonly ca: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

const CHECK_INTERVAL_MS = 10_000;

/**
 * A service's TLS certificates. The files are read again at an interval, so that certificates can be renewed while the
 * service runs: new connections use the new ones, and existing connections stay open.
 */
export class ServiceTls {
  readonly requireClientCert: boolean;
  readonly serverName: string | undefined;
  readonly #options: ServiceTlsOptions;
  readonly #listeners = new Set<(material: TlsMaterial) => void>();
  readonly #timer: NodeJS.Timeout;
  #material: TlsMaterial;

  /** @throws Error if a file can't be read, isn't PEM, or the key isn't the certificate's */
  constructor(options: ServiceTlsOptions) {
    this.#options = options;
    this.requireClientCert = options.requireClientCert ?? false;
    this.serverName = options.serverName;
    this.#material = read(options);
    this.#timer = setInterval(() => this.#look(), options.checkIntervalMs ?? CHECK_INTERVAL_MS).unref();
  }

  get material(): TlsMaterial {
    return this.#material;
  }

  /** What a server of Node takes. @throws Error if there is no certificate */
  serverOptions() {
    const { ca, cert, key } = this.#material;
    if (cert === undefined || key === undefined) throw new Error('a server needs a certificate and its key');
    const { requireClientCert } = this;
    return {
      cert,
      key,
      minVersion: 'TLSv1.2' as const,
      ...(requireClientCert && { ca, requestCert: true, rejectUnauthorized: true }),
    };
  }

  /** Calls the listener after each change. Returns a function that unsubscribes it. */
  onChange(listener: (material: TlsMaterial) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listeners.clear();
  }

  #look(): void {
    let next: TlsMaterial;
    try {
      next = read(this.#options);
    } catch (error) {
      // Half renewed, perhaps: a certificate whose key is yet to be written.
      this.#options.onError?.(error as Error);
      return;
    }
    if (isSame(next, this.#material)) return;
    this.#material = next;
    for (const listener of this.#listeners) listener(next);
  }
}

function read({ caFile, certFile, keyFile }: ServiceTlsOptions): TlsMaterial {
  const material = {
    ca: readFileSync(caFile),
    ...(certFile !== undefined && { cert: readFileSync(certFile) }),
    ...(keyFile !== undefined && { key: readFileSync(keyFile) }),
  };
  createSecureContext(material);
  return material;
}

function isSame(a: TlsMaterial, b: TlsMaterial): boolean {
  return sameBytes(a.ca, b.ca) && sameBytes(a.cert, b.cert) && sameBytes(a.key, b.key);
}

function sameBytes(a: Buffer | undefined, b: Buffer | undefined): boolean {
  return a === undefined || b === undefined ? a === b : a.equals(b);
}
