import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM files of one certificate. */
export interface IssuedCertificate {
  readonly certFile: string;
  /** PKCS #8, unencrypted, readable by its owner alone. */
  readonly keyFile: string;
  /** Key and certificate in one, as Kafka wants them. */
  readonly bothFile: string;
}

export interface CertificateNames {
  /** The name of a client. */
  readonly commonName: string;
  /** The names of a server, as openssl writes them: `DNS:localhost`, `IP:127.0.0.1`. */
  readonly altNames?: readonly string[];
}

const DAYS = '2';
const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** A certificate authority of one test, made by openssl in a folder of its own. */
export class TestAuthority {
  readonly caFile: string;
  readonly #folder: string;
  readonly #keyFile: string;
  #issued = 0;

  constructor(name = 'xscaler test authority') {
    this.#folder = mkdtempSync(join(tmpdir(), 'xscaler-authority-'));
    this.caFile = join(this.#folder, 'ca.pem');
    this.#keyFile = join(this.#folder, 'ca.key');
    const out = ['-keyout', this.#keyFile, '-out', this.caFile];
    openssl(['req', '-x509', ...CURVE, '-days', DAYS, '-subj', `/CN=${name}`, ...out]);
    // Servers that run as another user read what is in here.
    chmodSync(this.#folder, 0o755);
  }

  /** A certificate for a server, a client, or both. */
  issue({ commonName, altNames = [] }: CertificateNames): IssuedCertificate {
    const base = join(this.#folder, `issued-${++this.#issued}`);
    const [keyFile, requestFile, certFile] = [`${base}.key`, `${base}.csr`, `${base}.pem`];
    const out = ['-keyout', keyFile, '-out', requestFile];
    openssl(['req', '-new', ...CURVE, '-subj', `/CN=${commonName}`, ...out]);
    const extensions = ['basicConstraints=CA:FALSE', 'extendedKeyUsage=serverAuth,clientAuth'];
    if (altNames.length > 0) extensions.push(`subjectAltName=${altNames.join(',')}`);
    writeFileSync(`${base}.ext`, `${extensions.join('\n')}\n`);
    openssl([
      ...['x509', '-req', '-in', requestFile, '-CA', this.caFile, '-CAkey', this.#keyFile],
      ...['-CAcreateserial', '-days', DAYS, '-extfile', `${base}.ext`, '-out', certFile],
    ]);
    const bothFile = `${base}-both.pem`;
    writeFileSync(bothFile, readFileSync(keyFile, 'utf8') + readFileSync(certFile, 'utf8'), { mode: 0o600 });
    return { certFile, keyFile, bothFile };
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function openssl(args: readonly string[]): void {
  const { error, status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (error) throw new Error('no openssl: apt-get install openssl', { cause: error });
  if (status !== 0) throw new Error(`openssl ${args[0]} failed: ${stderr}`);
}
