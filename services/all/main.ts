/** Entry point: `node services/all/main.ts [target] [flags]`. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

// Types are stripped and code is compiled once, not at every start in every thread: half the CPU of a start.
// Threads read the variable. Next to the code, where nobody else can write: what lies there is run.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../../node_modules/.cache/compile', import.meta.url),
);

// What it writes holds everybody's samples: it is for the user that it runs as alone.
process.umask(0o077);

/*
 * What a process is given when it starts or never. It is started once more in its own place to have it, with the same process id.
 *
 * glibc maps what is larger than a threshold and gives it back when it is freed. Left alone the threshold follows what is
 * freed, up to 32 MB; so columns that have been copied to larger ones leave holes that stay resident, a tenth of all memory.
 * Arenas are few since each keeps what it once had.
 *
 * The collector is for `dropBootLeftovers`; the bound on the main thread's young generation is as in `process-parts.ts`. Young
 * generations are so small that a thread is done with one before others have woken to help.
 */
const MALLOC = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: String(256 * 1024),
  MALLOC_TRIM_THRESHOLD_: String(1024 ** 2),
};
const V8_FLAGS = ['--expose-gc', '--no-parallel-scavenge', '--max-semi-space-size=2'];
if (process.platform === 'linux' && process.env['MALLOC_MMAP_THRESHOLD_'] === undefined) {
  const [node, ...words] = process.argv;
  process.execve?.(node, [node, ...process.execArgv, ...V8_FLAGS, ...words], { ...MALLOC, ...process.env });
}

// Once this thread has it: it would stand above the bounds that other threads are started with.
setFlagsFromString('--max-semi-space-size=0');

enableCompileCache(process.env['NODE_COMPILE_CACHE']);

const { main } = await import('./program.ts');
process.exit(await main(process.argv.slice(2)));
