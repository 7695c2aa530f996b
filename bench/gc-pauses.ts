import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * How long the garbage collector stops the threads of a Node program that is started with `env`. What V8's own threads do
 * beside them isn't seen.
 */
export class GcPauses {
  readonly #folder = mkdtempSync(join(tmpdir(), 'bench-gc-'));
  readonly env: Readonly<Record<string, string>> = {
    NODE_OPTIONS: `--require="${join(import.meta.dirname, 'gc-preload.cjs')}"`,
    BENCH_GC_FOLDER: this.#folder,
  };

  /** Of all threads since the program started, up to half a second ago. */
  seconds(): number {
    let ms = 0;
    for (const thread of readdirSync(this.#folder))
      ms += Number(readFileSync(join(this.#folder, thread), 'utf8'));
    return ms / 1_000;
  }

  dispose(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
