import { flushCompileCache } from 'node:module';
import { runInNewContext } from 'node:vm';

/**
 * What a thread that has booted no longer needs goes back to the system: about 15 MB of sources, modules' first objects and
 * a young generation grown by them, which a thread without much to do would never collect. And what it has compiled is
 * kept for the next start, also if this process is killed later: a thread that finds all of it there doesn't load the 10 MB
 * that strip types.
 *
 * Collects if V8 runs with `--expose-gc`, as `services/all` has it; elsewhere only keeps what was compiled.
 */
export function dropBootLeftovers(): void {
  flushCompileCache();
  // The flag may be younger than this context.
  const collect: NodeJS.GCFunction | undefined = globalThis.gc ?? runInNewContext('globalThis.gc');
  collect?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
