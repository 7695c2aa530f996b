import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Files of a certificate and its key, PEM. */
export interface TestCertificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** An authority that signs certificates for a day, by the command `openssl`; its files are in a folder of its own. */
export class TestAuthority {
  readonly caFile: string;
  readonly #folder: string;
  readonly #keyFile: string;
  #issued = 0;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'xscaler-authority-'));
    this.caFile = join(this.#folder, 'ca.pem');
    this.#keyFile = join(this.#folder, 'ca-key.pem');
    const subject = ['-subj', '/CN=an authority of a test', '-days', '1'];
    this.#openssl('req', '-x509', ...NEW_KEY, ...subject, '-keyout', this.#keyFile, '-out', this.caFile);
  }

  /** `names`: what it is for, as subjectAltName has it: `DNS:localhost`, `IP:127.0.0.1`. */
  issue(...names: readonly string[]): TestCertificate {
    const stem = join(this.#folder, `${++this.#issued}`);
    const certificate = { certFile: `${stem}.pem`, keyFile: `${stem}-key.pem` };
    const request = `${stem}.csr`;
    const extensions = `${stem}.ext`;
    writeFileSync(extensions, `subjectAltName=${names.join(',')}\n`);
    this.#openssl(
      'req',
      ...NEW_KEY,
      '-keyout',
      certificate.keyFile,
      '-out',
      request,
      '-subj',
      '/CN=a service',
    );
    this.#openssl(
      ...['x509', '-req', '-in', request, '-out', certificate.certFile, '-days', '1', '-extfile', extensions],
      ...['-CA', this.caFile, '-CAkey', this.#keyFile, '-CAcreateserial'],
    );
    return certificate;
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
