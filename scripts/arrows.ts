/**
 * Who may import whom. A package that is missing here may import nothing of ours, so a new library
 * needs a line. Services may import every library but `testkit`; only `all` imports services. `e2e` and `bench`
 * may import every library, and `bench` what `e2e` starts programs with. `simulator` runs the services on a stage of its
 * own and may import all of them.
 */
export const LIBRARY_ARROWS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  tls: [],
  encoding: [],
  storage: ['model'],
  wire: ['encoding', 'model'],
  tsdb: ['encoding', 'model'],
  promql: ['storage', 'model'],
  rpc: ['model'],
  writelog: ['encoding', 'model', 'rpc', 'tls'],
  database: ['model', 'rpc', 'tls'],
  cluster: ['model', 'rpc', 'tls'],
  tenancy: ['database', 'model'],
  runtime: [],
};

/** Libraries without I/O and without a clock of their own: time and randomness come in as arguments. */
export const PURE_LIBRARIES: ReadonlySet<string> = new Set([
  'model',
  'encoding',
  'storage',
  'wire',
  'tsdb',
  'promql',
]);

/** What a pure library may take from the runtime: computation only. */
export const PURE_BUILTINS: ReadonlySet<string> = new Set([
  'node:assert',
  'node:buffer',
  'node:crypto',
  'node:util',
  'node:zlib',
]);

const IMPURE =
  /(?<![.\w])(Date\.now|new Date\(\)|performance\.now|process\.\w+|setTimeout|setInterval|setImmediate|Math\.random|fetch(?=\())/;

export interface Fault {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Where a file stands: `libs/tsdb/head.ts` is in package `tsdb` of folder `libs`. */
interface Place {
  readonly folder: string;
  readonly name: string;
  readonly isTest: boolean;
}

/**
 * Faults of one source file. `path` is relative to the repository's root, with slashes.
 *
 * It reads lines, not syntax: the formatter puts every static import's `from` at the end of a line that
 * begins with `import`, `export` or `}`, and anything else that names a module is a call.
 */
export function faultsOf(path: string, source: string): Fault[] {
  const faults: Fault[] = [];
  const place = placeOf(path);
  let inBlockComment = false;
  for (const [index, text] of source.split('\n').entries()) {
    const trimmed = text.trimStart();
    if (!inBlockComment && trimmed.startsWith('/*')) inBlockComment = true;
    const isComment = inBlockComment || trimmed.startsWith('//');
    if (inBlockComment && text.includes('*/')) inBlockComment = false;
    if (isComment) continue;
    const code = text.replace(/\s\/\/ .*$/, '');
    const messages = specifiersOf(code).map((specifier) => faultOfImport(path, place, specifier));
    messages.push(faultOfCall(place, code));
    for (const message of messages) if (message) faults.push({ path, line: index + 1, message });
  }
  return faults;
}

function placeOf(path: string): Place {
  const [folder, name] = path.split('/');
  const isPackageFolder = folder === 'libs' || folder === 'services';
  return {
    folder,
    name: isPackageFolder ? name : folder,
    isTest: !isPackageFolder || name === 'testkit' || /\.(test|testbed|bench)\.ts$/.test(path),
  };
}

const STATIC = /^(?:import\b|export\b|\}).*?\bfrom '([^']+)';?$|^import '([^']+)';?$/;
const DYNAMIC = /\b(?:import|require|require\.resolve|import\.meta\.resolve)\(\s*'([^']+)'/g;
/** A worker's own file, `new URL('./worker.ts', import.meta.url)`. */
const BESIDE = /\bnew URL\(\s*'(\.[^']*\.ts)',\s*import\.meta\.url/g;

function specifiersOf(code: string): string[] {
  const found = STATIC.exec(code);
  const specifiers = found ? [found[1] ?? found[2]] : [];
  for (const pattern of [DYNAMIC, BESIDE])
    for (const match of code.matchAll(pattern)) specifiers.push(match[1]);
  return specifiers;
}

function faultOfImport(path: string, place: Place, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return faultOfRelative(path, place, specifier);
  const ours = /^@xscaler\/([^/]+)/.exec(specifier);
  if (ours) return faultOfArrow(place, ours[1]);
  if (!isPureCode(place)) return undefined;
  if (specifier.startsWith('node:') && !PURE_BUILTINS.has(specifier))
    return `${place.name} is pure and may not import ${specifier}`;
  return undefined;
}

function faultOfRelative(path: string, place: Place, specifier: string): string | undefined {
  const { pathname } = new URL(specifier, `file:///${path}`);
  const isPackage = place.folder === 'libs' || place.folder === 'services';
  const own = isPackage ? `/${place.folder}/${place.name}/` : `/${place.folder}/`;
  if (pathname.startsWith(own)) return undefined;
  return `${specifier} leaves the package: import it by its name, @xscaler/…`;
}

function faultOfArrow(place: Place, target: string): string | undefined {
  const isLibrary = target === 'testkit' || Object.hasOwn(LIBRARY_ARROWS, target);
  if (target === place.name) return `${target} imports itself by name: use a relative path`;
  if (target === 'testkit') return place.isTest ? undefined : 'testkit is for tests alone';
  if (place.folder === 'services') {
    if (isLibrary || place.name === 'all') return undefined;
    return `service ${place.name} may not import service ${target}`;
  }
  if (place.folder === 'simulator') return undefined;
  if (place.folder !== 'libs' || place.name === 'testkit')
    return isLibrary || (place.name === 'bench' && target === 'e2e')
      ? undefined
      : `${place.name} may not import ${target}`;
  if (LIBRARY_ARROWS[place.name]?.includes(target)) return undefined;
  return `${place.name} may not import ${target}`;
}

function faultOfCall(place: Place, code: string): string | undefined {
  if (!isPureCode(place)) return undefined;
  const found = IMPURE.exec(code);
  return found ? `${place.name} is pure and may not use ${found[1]}` : undefined;
}

function isPureCode(place: Place): boolean {
  return place.folder === 'libs' && PURE_LIBRARIES.has(place.name) && !place.isTest;
}
