/**
 * Runs the tests: all of them, or those in the files, folders and globs given as arguments.
 *
 * A test file's suffix says what it needs besides Node. What is missing is installed if that can be done,
 * else the files are left out and named; with XSCALER_REQUIRE_PEERS=1 or XSCALER_REQUIRE_CLUSTER=1 leaving out is
 * a failure.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import {
  FAKETIME,
  GO,
  JAVA,
  MAVEN,
  NODE_EXPORTER,
  OPENSSL,
  type Peer,
  POSTGRES,
  PROMETHEUS,
  PYTHON,
  provision,
  REDIS,
} from './debian.ts';
import { inTurn, testFiles } from './test-files.ts';

const REPORTERS = [
  '--test-reporter=./scripts/slowest-files.ts',
  '--test-reporter-destination=stdout',
  '--test-reporter=spec',
  '--test-reporter-destination=stdout',
];
/** Files that run at the same time. More would overload clusters of ten processes, whose deadlines then pass. */
const CONCURRENCY = availableParallelism();
/** Longest time one test may take, ms: a hang should end with its name. */
const TEST_TIMEOUT_MS = 1_500_000;

const NEEDS: readonly { readonly suffix: string; readonly peers: readonly Peer[] }[] = [
  { suffix: '.prometheus.test.ts', peers: [PROMETHEUS, NODE_EXPORTER] },
  { suffix: '.python.test.ts', peers: [PYTHON] },
  { suffix: '.collector.test.ts', peers: [GO] },
  { suffix: '.openssl.test.ts', peers: [OPENSSL] },
  { suffix: '.postgres.test.ts', peers: [POSTGRES, OPENSSL] },
  { suffix: '.redis.test.ts', peers: [REDIS, OPENSSL] },
  { suffix: '.kafka.test.ts', peers: [JAVA, MAVEN, OPENSSL] },
  {
    suffix: '.cluster.test.ts',
    peers: [POSTGRES, REDIS, JAVA, MAVEN, OPENSSL, PROMETHEUS, NODE_EXPORTER, FAKETIME],
  },
];

function leftOut(files: readonly string[]): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const { suffix, peers } of NEEDS) {
    const affected = files.filter((path) => path.endsWith(suffix));
    if (affected.length === 0) continue;
    const missing = provision(peers).map(
      ({ command, debianPackage }) => `${command} (apt-get install ${debianPackage})`,
    );
    if (missing.length > 0) for (const path of affected) reasons.set(path, missing.join(', '));
  }
  return reasons;
}

function runNode(root: string, files: readonly string[]): Promise<number> {
  const args = ['--disable-warning=ExperimentalWarning', '--test', `--test-concurrency=${CONCURRENCY}`];
  args.push(`--test-timeout=${TEST_TIMEOUT_MS}`);
  const node = spawn(process.execPath, [...args, ...REPORTERS, ...files], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    node.once('error', reject);
    node.once('exit', (code) => resolve(code ?? 1));
  });
}

const root = dirname(import.meta.dirname);
const files = testFiles(root, process.argv.slice(2));
const reasons = leftOut(files);
const runnable = inTurn(
  files.filter((path) => !reasons.has(path)),
  (path) => NEEDS.some(({ suffix }) => path.endsWith(suffix)),
);
const status = runnable.length > 0 ? await runNode(root, runnable) : 0;
for (const [path, missing] of reasons) console.log(`SKIPPED ${path}: needs ${missing}`);
const refusal = ['XSCALER_REQUIRE_PEERS', 'XSCALER_REQUIRE_CLUSTER'].find(
  (name) => process.env[name] === '1',
);
const refusesSkips = refusal !== undefined && reasons.size > 0;
if (refusesSkips) console.log(`${refusal}=1: a skipped test is a failure`);
process.exitCode = status === 0 && refusesSkips ? 1 : status;
