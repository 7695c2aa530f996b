/**
 * `npm run fuzz -- --seed N --runs M`: the fuzz tests of everything that decodes requests, M damaged ones for each, all
 * from seed N. They tell what became of them and how large the heap was before and after; the exit code is 1 if one fails.
 */
import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { testFiles } from './test-files.ts';

const DECODERS = [
  'libs/wire/**/*.fuzz.test.ts',
  'services/distributor/protocols/body-expansion.fuzz.test.ts',
];
/** A mutation takes 0.1 ms and what it means is compared now and then: past this, one hangs. */
const TIMEOUT_PER_RUN_MS = 2;
const MIN_TIMEOUT_MS = 60_000;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1000000' },
  },
});
const root = dirname(import.meta.dirname);
const timeoutMs = Math.max(MIN_TIMEOUT_MS, Number(values.runs) * TIMEOUT_PER_RUN_MS);
const args = ['--disable-warning=ExperimentalWarning', '--test', '--test-reporter=spec'];
args.push(`--test-timeout=${timeoutMs}`, '--test-concurrency=2', ...testFiles(root, DECODERS));
const node = spawn(process.execPath, args, {
  cwd: root,
  stdio: ['ignore', 'inherit', 'inherit'],
  env: {
    ...process.env,
    // Of young garbage V8 keeps 200 MB otherwise, and it takes half a million mutations until it does.
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=1`,
    XSCALER_FUZZ_RUNS: values.runs,
    XSCALER_FUZZ_SEED: values.seed,
  },
});
node.once('exit', (code) => {
  process.exitCode = code ?? 1;
});
