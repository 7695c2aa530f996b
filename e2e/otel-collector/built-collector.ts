import { execFile } from 'node:child_process';
import { chmodSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const BUILDER = 'go.opentelemetry.io/collector/cmd/builder@v0.139.0';
const MANIFEST = join(import.meta.dirname, 'builder.yaml');
const CACHE = join(import.meta.dirname, '../../.cache/otel-collector');

/** What builds if Go is older than 1.21, the first that fetches the Go that a module asks for by itself. */
const TOOLCHAIN = 'golang.org/toolchain@v0.0.1-go1.25.4';
const GO_ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** A Collector of the manifest's modules, built once a machine and manifest. */
export async function builtCollector(): Promise<string> {
  const sources = join(CACHE, 'sources');
  const program = join(sources, 'otelcol');
  const built = join(CACHE, 'built.yaml');
  const manifest = readFileSync(MANIFEST, 'utf8');
  if (existsSync(program) && existsSync(built) && readFileSync(built, 'utf8') === manifest) return program;
  mkdirSync(CACHE, { recursive: true });
  const PATH = [await goFolder(), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH, GOBIN: CACHE, CGO_ENABLED: '0' };
  await run('go', ['install', BUILDER], { env });
  const local = join(CACHE, 'builder.yaml');
  writeFileSync(local, manifest.replace('dist:\n', `dist:\n  output_path: ${sources}\n`));
  // Go finds the modules that the build needs, and leaves out those of their tests.
  await run(join(CACHE, 'builder'), [`--config=${local}`, '--skip-compilation', '--skip-get-modules'], {
    env,
  });
  await run('go', ['build', '-mod=mod', '-trimpath', '-o', program, '.'], { cwd: sources, env });
  writeFileSync(built, manifest);
  return program;
}

/** The folder of a `go` that can build it: of the one in PATH, or of one that this fetches from the module proxy. */
async function goFolder(): Promise<string> {
  const { stdout } = await run('go', ['env', 'GOROOT', 'GOVERSION']);
  const [root, version] = stdout.split('\n');
  if (Number(/^go1\.(\d+)/.exec(version)?.[1]) >= 21) return join(root, 'bin');
  const module = `${TOOLCHAIN}.${process.platform}-${GO_ARCHITECTURES[process.arch]}`;
  const download = await run('go', ['mod', 'download', '-modcacherw', '-json', module], { cwd: CACHE });
  const { Dir } = JSON.parse(download.stdout) as { Dir: string };
  // A module's files have no mode of their own.
  for (const program of globSync(join(Dir, '{bin,pkg/tool/*}/*'))) chmodSync(program, 0o755);
  return join(Dir, 'bin');
}
