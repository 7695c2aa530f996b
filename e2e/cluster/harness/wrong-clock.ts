import { chmodSync, globSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Debian's libfaketime: put before libc it answers for the system's clock. */
const LIBRARY = '/usr/lib/*/faketime/libfaketimeMT.so.1';

/** A wall clock that a test sets, for processes that are started with its `env`; their monotonic clock stays the machine's. */
export class WrongClock implements Disposable {
  readonly env: Readonly<Record<string, string>>;
  readonly #folder: string;

  /** @throws Error if libfaketime is not installed */
  constructor(aheadMs: number) {
    const [library] = globSync(LIBRARY);
    if (library === undefined) throw new Error('no libfaketime: apt-get install faketime');
    this.#folder = mkdtempSync(join(tmpdir(), 'xscaler-clock-'));
    // PostgreSQL runs as another user.
    chmodSync(this.#folder, 0o755);
    this.env = {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: join(this.#folder, 'offset'),
      // It looks at the file again after one second.
      FAKETIME_CACHE_DURATION: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    this.set(aheadMs);
  }

  /** Processes have it within a second or so. */
  set(aheadMs: number): void {
    const path = this.env.FAKETIME_TIMESTAMP_FILE;
    writeFileSync(`${path}.new`, `${aheadMs < 0 ? '' : '+'}${aheadMs / 1_000}\n`);
    renameSync(`${path}.new`, path);
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
