/** Entry point: `node services/all/main.ts [target] [flags]`. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Types are stripped and code is compiled once, not at every start in every thread: half the CPU of a start.
// Threads read the variable. Beside the code, where nobody else can write: what lies there is run.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(
  new URL('../../node_modules/.cache/compile', import.meta.url),
);
enableCompileCache(process.env['NODE_COMPILE_CACHE']);

const { main } = await import('./program.ts');
process.exit(await main(process.argv.slice(2)));
