export type RouteKind = 'write' | 'read' | 'admin';

/** Who answers: the distributor knows the log and what is sent, the querier what is stored. */
export type Service = 'distributor' | 'querier';

/** A path that clients may ask for. */
export interface Route {
  /** Its name in metrics and logs. */
  readonly name: string;
  readonly kind: RouteKind;
  readonly service: Service;
  /** Whether errors are told like OTLP. */
  readonly speaksOtlp?: boolean;
  readonly methods: readonly ('GET' | 'POST')[];
  /** As express matches them, exact in case and slashes. */
  readonly paths: readonly string[];
}

/** Reads are served under both: the service documents one and the other. */
const READ_PREFIXES = ['/prometheus/api/v1', '/api/v1'];

function read(name: string, methods: Route['methods'], path = name): Route {
  const paths = READ_PREFIXES.map((prefix) => `${prefix}/${path}`);
  return { name, kind: 'read', service: 'querier', methods, paths };
}

function admin(name: string, methods: Route['methods'], path: string): Route {
  const paths = READ_PREFIXES.map((prefix) => `${prefix}/admin/${path}`);
  return { name, kind: 'admin', service: 'distributor', methods, paths };
}

/** Methods are those that Prometheus has on each. */
export const ROUTES: readonly Route[] = [
  { name: 'push', kind: 'write', service: 'distributor', methods: ['POST'], paths: ['/api/v1/push'] },
  // The second is what OTLP/HTTP exporters append to a base address.
  {
    name: 'otlp',
    kind: 'write',
    service: 'distributor',
    speaksOtlp: true,
    methods: ['POST'],
    paths: ['/otlp/v1/metrics', '/v1/metrics'],
  },
  read('query', ['GET', 'POST']),
  read('query_range', ['GET', 'POST']),
  read('read', ['POST']),
  read('query_exemplars', ['GET', 'POST']),
  read('format_query', ['GET', 'POST']),
  read('parse_query', ['GET', 'POST']),
  read('series', ['GET', 'POST']),
  read('labels', ['GET', 'POST']),
  read('label_values', ['GET'], 'label/:name/values'),
  read('metadata', ['GET']),
  read('rules', ['GET']),
  read('alerts', ['GET']),
  read('status_buildinfo', ['GET'], 'status/buildinfo'),
  read('status_tsdb', ['GET'], 'status/tsdb'),
  read('cardinality_label_names', ['GET', 'POST'], 'cardinality/label_names'),
  read('cardinality_label_values', ['GET', 'POST'], 'cardinality/label_values'),
  read('cardinality_active_series', ['GET', 'POST'], 'cardinality/active_series'),
  // What the services know of the tenant that asks; their own `/debug` is on `ops_listen`.
  { name: 'debug', kind: 'read', service: 'distributor', methods: ['GET'], paths: ['/debug'] },
  admin('delete_series', ['POST'], 'tsdb/delete_series'),
  admin('delete_series_receipt', ['GET'], 'tsdb/delete_series/:id'),
];

/** The path as services know it: `/prometheus/api/v1/query` is `/api/v1/query`. */
export function servicePath(path: string): string {
  return path.startsWith('/prometheus/') ? path.slice('/prometheus'.length) : path;
}
