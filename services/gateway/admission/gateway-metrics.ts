import type { MetricsRegistry } from '@xscaler/runtime';
import { Counter, Gauge, Histogram } from 'prom-client';
import type { RefusalCode } from '../refusals/refusal.ts';
import type { InFlight } from './intake.ts';

const GAUGES: readonly (readonly [name: string, help: string, value: (inFlight: InFlight) => number])[] = [
  ['xscaler_gateway_in_flight_requests', 'Requests in progress', ({ requests }) => requests],
  ['xscaler_gateway_in_flight_body_bytes', 'Bytes held for request bodies', ({ bytes }) => bytes],
  [
    'xscaler_gateway_in_flight_answer_bytes',
    'Bytes held for answers that clients have not read yet',
    ({ answerBytes }) => answerBytes,
  ],
  ['xscaler_gateway_writes_at_work', 'Writes that distributors are handling', ({ atWork }) => atWork],
  [
    'xscaler_gateway_writes_at_work_limit',
    'Current limit on the writes that distributors handle at once',
    ({ places }) => places,
  ],
  ['xscaler_gateway_writes_waiting', 'Writes waiting for other writes', ({ waiting }) => waiting],
];

/** Clients cannot choose label values: a route is one of the table or `unknown`; a tenant is counted only with a token of it. */
export class GatewayMetrics {
  readonly #requests: Counter<'route' | 'status'>;
  readonly #duration: Histogram<'route'>;
  readonly #received: Counter<'route'>;
  readonly #refused: Counter<'tenant' | 'reason'>;
  readonly #slowReaders: Counter<'tenant'>;

  constructor(registry: MetricsRegistry, inFlight: () => InFlight) {
    const registers = [registry];
    this.#requests = new Counter({
      name: 'xscaler_gateway_requests_total',
      help: 'Answered requests by status; 499: the client disconnected before its answer',
      labelNames: ['route', 'status'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'xscaler_gateway_request_duration_seconds',
      help: 'Time from the end of the headers to the end of the answer',
      labelNames: ['route'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120],
      registers,
    });
    this.#received = new Counter({
      name: 'xscaler_gateway_received_bytes_total',
      help: 'Bytes of forwarded request bodies',
      labelNames: ['route'],
      registers,
    });
    this.#refused = new Counter({
      name: 'xscaler_gateway_requests_refused_total',
      help: 'Authenticated requests refused by the gateway or answered by no service, by reason',
      labelNames: ['tenant', 'reason'],
      registers,
    });
    this.#slowReaders = new Counter({
      name: 'xscaler_gateway_slow_readers_total',
      help: 'Clients disconnected because they read their answer too slowly',
      labelNames: ['tenant'],
      registers,
    });
    for (const [name, help, value] of GAUGES) {
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(value(inFlight()));
        },
      });
    }
  }

  answered(route: string, status: number | string, durationMs: number): void {
    this.#requests.inc({ route, status });
    this.#duration.observe({ route }, durationMs / 1000);
  }

  /** Anyone can name a tenant, so a refusal counts only if the request had one of the tenant's tokens. */
  refused(tenant: string, reason: RefusalCode, isAdmitted: boolean): void {
    if (isAdmitted || reason === 'forbidden') this.#refused.inc({ tenant, reason });
  }

  /** @param tenant authenticated earlier; empty for a client of `/metrics` */
  slowReader(tenant: string): void {
    this.#slowReaders.inc({ tenant });
  }

  received(route: string, bytes: number): void {
    this.#received.inc({ route }, bytes);
  }
}
