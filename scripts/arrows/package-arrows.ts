import { importsOf, withoutComments } from './imports.ts';

/**
 * Who may import whom. A package that is missing here may import nothing of ours, so a new library
 * needs a line. Services may import every library but `testkit`; only `all` imports services. `e2e` and `bench`
 * may import every library, and `bench` what `e2e` starts programs with. `simulator` runs the
 * services on a simulated world and may import all of them.
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
  runtime: ['rpc'],
  // Planned: rule groups with the state of alerts; organisations, plans and usage.
  rules: ['model', 'promql', 'storage'],
  control: ['database', 'model', 'tenancy'],
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

/** A file's package: `libs/tsdb/head/head.ts` is in package `tsdb` of folder `libs`. */
export interface Place {
  readonly folder: string;
  readonly name: string;
  readonly isTest: boolean;
}

/**
 * Faults of one source file against the arrows between packages. `path` is relative to the repository's root,
 * with slashes.
 */
export function packageFaults(path: string, source: string): Fault[] {
  const place = placeOf(path);
  const faults: Fault[] = [];
  for (const { specifier, line } of importsOf(source)) {
    const message = faultOfImport(path, place, specifier);
    if (message) faults.push({ path, line, message });
  }
  if (!isPureCode(place)) return faults;
  for (const [index, code] of withoutComments(source).split('\n').entries()) {
    const found = IMPURE.exec(code);
    if (found)
      faults.push({ path, line: index + 1, message: `${place.name} is pure and may not use ${found[1]}` });
  }
  return faults.sort((one, other) => one.line - other.line);
}

export function placeOf(path: string): Place {
  const [folder, name] = path.split('/');
  const isPackageFolder = folder === 'libs' || folder === 'services';
  return {
    folder,
    name: isPackageFolder ? name : folder,
    isTest: !isPackageFolder || name === 'testkit' || /\.(test|testbed|bench)\.ts$/.test(path),
  };
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

/** Scripts are about the whole repository, and belong to no package. */
function faultOfRelative(path: string, place: Place, specifier: string): string | undefined {
  if (place.folder === 'scripts') return undefined;
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

function isPureCode(place: Place): boolean {
  return place.folder === 'libs' && PURE_LIBRARIES.has(place.name) && !place.isTest;
}
