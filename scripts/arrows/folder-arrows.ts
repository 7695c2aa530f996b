import { posix } from 'node:path';
import { circlesOf, type Graph } from './circles.ts';
import { importsOf } from './imports.ts';
import { type Fault, placeOf } from './package-arrows.ts';

/** The folders of a package, each with the other folders that it may import. `.` is the package's root. */
export type FolderArrows = Readonly<Record<string, readonly string[]>>;

/**
 * The arrows between the folders of each package that has folders. A package without a row is flat. Its front
 * doors (the files at its root that package.json exports) may import every folder, and no file of the package imports
 * them. Tests and contract suites may import every folder.
 */
export const FOLDER_ARROWS: Readonly<Record<string, FolderArrows>> = {
  'libs/tsdb': {
    '.': [],
    block: ['chunk', 'frame', 'postings', 'tombstone'],
    'block-merging': ['block', 'block-writing', 'chunk', 'memory', 'postings', 'tombstone'],
    'block-writing': ['block', 'chunk', 'head', 'memory', 'postings'],
    chunk: [],
    frame: ['chunk', 'memory'],
    head: ['chunk', 'frame', 'memory', 'postings', 'tombstone'],
    memory: [],
    postings: ['memory'],
    tombstone: ['chunk', 'frame', 'postings'],
  },
  'libs/promql': {
    '.': [],
    engine: ['histograms', 'numbers', 'operators', 'ranges', 'syntax', 'vectors'],
    histograms: ['numbers', 'vectors'],
    json: ['histograms', 'numbers', 'syntax', 'vectors'],
    numbers: [],
    operators: ['histograms', 'numbers', 'ranges', 'syntax', 'vectors'],
    ranges: ['histograms', 'numbers', 'syntax', 'vectors'],
    syntax: ['numbers'],
    vectors: ['numbers', 'syntax'],
  },
  'libs/rpc': {
    '.': [],
    grpc: ['.', 'ingester'],
    http: ['.'],
    ingester: ['.'],
    port: ['.'],
  },
  'libs/cluster': {
    '.': [],
    clock: ['.'],
    memory: ['.'],
    redis: ['.'],
  },
  'libs/writelog': {
    '.': [],
    kafka: ['.'],
    port: ['.'],
    sqlite: ['.'],
  },
  'libs/database': {
    '.': [],
    blocks: ['deletion', 'log-identity', 'sql'],
    compaction: ['blocks', 'deletion', 'sql'],
    deletion: ['sql'],
    'log-identity': ['sql'],
    outage: ['sql'],
    port: ['sql'],
    postgres: ['sql'],
    sql: [],
    sqlite: ['sql'],
  },
  'services/distributor': {
    '.': ['log', 'protocols', 'writes'],
    deletions: [],
    encoding: ['outcome', 'series'],
    log: [],
    outcome: [],
    protocols: ['encoding'],
    series: ['outcome'],
    writes: ['encoding', 'log', 'protocols', 'series'],
  },
  'services/querier': {
    '.': ['answer', 'api', 'evaluation', 'limits', 'queue', 'sources'],
    answer: [],
    api: ['answer', 'evaluation', 'limits', 'queue', 'sources'],
    evaluation: ['answer', 'queue'],
    limits: [],
    queue: ['answer'],
    sources: ['answer', 'limits'],
  },
  'services/gateway': {
    '.': ['admission', 'answers', 'bodies', 'grpc', 'refusals', 'routing'],
    admission: ['budgets', 'refusals', 'routing'],
    answers: ['bodies', 'budgets', 'refusals', 'routing'],
    bodies: ['budgets', 'refusals'],
    budgets: ['refusals'],
    grpc: ['admission', 'bodies', 'refusals'],
    refusals: [],
    routing: [],
  },
  'services/all': {
    '.': ['commands', 'configuration', 'doctor', 'processes', 'network'],
    commands: ['configuration', 'data', 'wiring'],
    configuration: [],
    data: [],
    doctor: ['commands', 'configuration', 'data', 'network'],
    network: ['configuration'],
    processes: ['commands', 'configuration', 'data', 'network', 'status', 'wiring'],
    status: [],
    threads: ['configuration', 'status', 'wiring'],
    wiring: ['configuration', 'network', 'status'],
  },
  'libs/wire': {
    '.': [],
    histogram: ['labels', 'protobuf'],
    labels: ['protobuf'],
    'log-record': ['protobuf', 'snappy'],
    otlp: ['histogram', 'labels', 'protobuf', 'snappy'],
    protobuf: [],
    'remote-read': ['histogram', 'labels', 'protobuf', 'snappy'],
    'remote-write-v1': ['histogram', 'labels', 'protobuf'],
    'remote-write-v2': ['histogram', 'labels', 'protobuf', 'remote-write-v1', 'snappy'],
    snappy: [],
  },
  'services/ingester': {
    '.': ['commits', 'heads', 'log', 'metrics'],
    commits: ['heads', 'log', 'metrics'],
    heads: [],
    log: [],
    metrics: ['heads'],
  },
};

/** Folders of test data and of what tests run: they hold no part of the package. */
const BESIDE_THE_CODE = /^(testing|testdata|contract|test-|migrations$)/;

/** Faults of one source file against the arrows between its package's folders. */
export function folderFaults(
  path: string,
  source: string,
  isFrontDoor: (path: string) => boolean,
  table: Readonly<Record<string, FolderArrows>> = FOLDER_ARROWS,
): Fault[] {
  const place = placeOf(path);
  if (
    place.isTest ||
    path.endsWith('-contract.ts') ||
    (place.folder !== 'libs' && place.folder !== 'services')
  )
    return [];
  const packagePath = `${place.folder}/${place.name}`;
  const own = folderOf(packagePath, path);
  if (BESIDE_THE_CODE.test(own)) return [];
  const arrows = table[packagePath];
  if (own !== '.' && arrows?.[own] === undefined)
    return [
      {
        path,
        line: 1,
        message: `folder ${own} of ${packagePath} has no row in scripts/arrows/folder-arrows.ts`,
      },
    ];

  const faults: Fault[] = [];
  for (const { specifier, line } of importsOf(source)) {
    if (!specifier.startsWith('.')) continue;
    const target = posix.join(posix.dirname(path), specifier);
    if (!target.startsWith(`${packagePath}/`)) continue;
    if (isFrontDoor(target) && table[packagePath] !== undefined)
      faults.push({ path, line, message: `${posix.basename(target)} is for other packages` });
    const folder = folderOf(packagePath, target);
    if (isFrontDoor(path) || folder === own || arrows?.[own]?.includes(folder)) continue;
    faults.push({ path, line, message: `${nameOf(own)} of ${packagePath} may not import ${nameOf(folder)}` });
  }
  return faults;
}

/** Circles among the folders of a table's packages, as messages. */
export function folderCircles(table: Readonly<Record<string, FolderArrows>> = FOLDER_ARROWS): string[] {
  return Object.entries(table).flatMap(([packagePath, arrows]) =>
    circlesOf(new Map(Object.entries(arrows))).map(
      (circle) => `${packagePath}: folders ${circle.join(', ')} import each other`,
    ),
  );
}

/**
 * Circles among the files of one package that load each other: imports of types alone and of threads' files do not
 * count. `sources` is by path.
 */
export function fileCircles(sources: ReadonlyMap<string, string>): string[] {
  const graph: Map<string, readonly string[]> = new Map();
  for (const [path, source] of sources) {
    const targets = importsOf(source)
      .filter(({ specifier, kind }) => kind === 'value' && specifier.startsWith('.'))
      .map(({ specifier }) => posix.join(posix.dirname(path), specifier));
    graph.set(path, targets);
  }
  return circlesOf(graph as Graph).map((circle) => `these files load each other: ${circle.join(', ')}`);
}

function folderOf(packagePath: string, path: string): string {
  const parts = path.slice(packagePath.length + 1).split('/');
  return parts.length > 1 ? parts[0] : '.';
}

function nameOf(folder: string): string {
  return folder === '.' ? 'the root' : `folder ${folder}`;
}
