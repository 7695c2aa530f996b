export type RouteKind = 'write' | 'read' | 'admin';

/** Who answers: the distributor knows the log and what is sent, the querier what is stored. */
export type Service = 'distributor' | 'querier';

/** A path that clients may ask for. */
export interface Route {
  /** Its name in metrics and logs. */
  readonly name: string;
  /** One sentence for docs/api.md, which is generated from this table. */
  readonly summary: string;
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

function read(name: string, methods: Route['methods'], summary: string, path = name): Route {
  const paths = READ_PREFIXES.map((prefix) => `${prefix}/${path}`);
  return { name, summary, kind: 'read', service: 'querier', methods, paths };
}

function admin(name: string, methods: Route['methods'], summary: string, path: string): Route {
  const paths = READ_PREFIXES.map((prefix) => `${prefix}/admin/${path}`);
  return { name, summary, kind: 'admin', service: 'distributor', methods, paths };
}

/** Methods are those that Prometheus has on each. */
export const ROUTES: readonly Route[] = [
  {
    name: 'push',
    summary: 'Remote write 1.0 and 2.0.',
    kind: 'write',
    service: 'distributor',
    methods: ['POST'],
    paths: ['/api/v1/push'],
  },
  // The second is what OTLP/HTTP exporters append to a base address.
  {
    name: 'otlp',
    summary: 'OTLP metrics in protobuf or JSON.',
    kind: 'write',
    service: 'distributor',
    speaksOtlp: true,
    methods: ['POST'],
    paths: ['/otlp/v1/metrics', '/v1/metrics'],
  },
  read('query', ['GET', 'POST'], 'Evaluates PromQL at one time.'),
  read('query_range', ['GET', 'POST'], 'Evaluates PromQL over a range of time.'),
  read('read', ['POST'], 'Remote read, as samples or streamed chunks.'),
  read('query_exemplars', ['GET', 'POST'], 'Exemplars of the series that a query selects.'),
  read('format_query', ['GET', 'POST'], 'Formats PromQL.'),
  read('parse_query', ['GET', 'POST'], 'The syntax tree of PromQL.'),
  read('series', ['GET', 'POST'], 'Label sets of series by selector.'),
  read('labels', ['GET', 'POST'], 'Label names.'),
  read('label_values', ['GET'], 'Values of one label.', 'label/:name/values'),
  read('metadata', ['GET'], 'Type, help and unit of metrics.'),
  read('rules', ['GET'], 'Always empty: there are no rules yet.'),
  read('alerts', ['GET'], 'Always empty: there are no alerts yet.'),
  read('status_buildinfo', ['GET'], 'Version of the server.', 'status/buildinfo'),
  read('status_tsdb', ['GET'], 'Cardinality of the last hours, like Prometheus.', 'status/tsdb'),
  read(
    'cardinality_label_names',
    ['GET', 'POST'],
    'Number of values of each label name, like Mimir.',
    'cardinality/label_names',
  ),
  read(
    'cardinality_label_values',
    ['GET', 'POST'],
    'Number of series of each label value, like Mimir.',
    'cardinality/label_values',
  ),
  read(
    'cardinality_active_series',
    ['GET', 'POST'],
    'Active series by selector, like Mimir.',
    'cardinality/active_series',
  ),
  // What the services know of the tenant that asks; their own `/debug` is on `ops_listen`.
  {
    name: 'debug',
    summary: "The tenant's state: HA elections, refusals, conflicts, exemplars.",
    kind: 'read',
    service: 'distributor',
    methods: ['GET'],
    paths: ['/debug'],
  },
  admin('delete_series', ['POST'], 'Deletes series by selector and time range.', 'tsdb/delete_series'),
  admin('delete_series_receipt', ['GET'], 'State of a deletion.', 'tsdb/delete_series/:id'),
];

/** The path as services know it: `/prometheus/api/v1/query` is `/api/v1/query`. */
export function servicePath(path: string): string {
  return path.startsWith('/prometheus/') ? path.slice('/prometheus'.length) : path;
}
