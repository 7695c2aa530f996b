import { type Dispatcher, Client as HttpConnection, Pool } from 'undici';
import { snappyBody, type TimeSeries, type WriteRequest, writeRequestBytes } from './write-request.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly text: string;
}

export interface Exchange {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD' | 'OPTIONS';
  /** Sent unchanged, a name as often as it occurs here. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
}

export type Params = Readonly<Record<string, string | number | readonly string[]>>;

export interface VectorSample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

export interface MatrixSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [number, string])[];
}

export type QueryData =
  | { readonly resultType: 'vector'; readonly result: readonly VectorSample[] }
  | { readonly resultType: 'matrix'; readonly result: readonly MatrixSeries[] }
  | { readonly resultType: 'scalar' | 'string'; readonly result: readonly [number, string] };

const REMOTE_WRITE_HEADERS = [
  ['content-type', 'application/x-protobuf'],
  ['content-encoding', 'snappy'],
  ['x-prometheus-remote-write-version', '0.1.0'],
] as const;

/** One tenant's way in: the Prometheus HTTP API and remote write, with both headers. */
export class Client {
  readonly tenant: string;
  readonly token: string;
  readonly #pool: Pool;
  readonly #url: string;

  constructor(url: string, tenant: string, token: string) {
    this.tenant = tenant;
    this.token = token;
    this.#url = url;
    this.#pool = new Pool(url, { connections: 16, headersTimeout: 180_000, bodyTimeout: 180_000 });
  }

  get credentials(): [string, string][] {
    return [
      ['authorization', `Bearer ${this.token}`],
      ['x-scope-orgid', this.tenant],
    ];
  }

  /** One exchange exactly as given: no credentials are added, the path isn't normalised. */
  async raw(path: string, exchange: Exchange = {}): Promise<Answer> {
    return read(await this.#pool.request(requestOf(path, exchange)));
  }

  /** The same on a connection of its own, which an aborted signal closes. */
  async alone(path: string, exchange: Exchange): Promise<Answer> {
    const connection = new HttpConnection(this.#url, { headersTimeout: 300_000, bodyTimeout: 300_000 });
    try {
      return await read(await connection.request(requestOf(path, exchange)));
    } finally {
      await connection.destroy();
    }
  }

  get(path: string, params: Params = {}): Promise<Answer> {
    return this.raw(`${path}?${encodeParams(params)}`, { headers: this.credentials });
  }

  post(path: string, params: Params = {}): Promise<Answer> {
    return this.raw(path, {
      method: 'POST',
      headers: [...this.credentials, ['content-type', 'application/x-www-form-urlencoded']],
      body: encodeParams(params),
    });
  }

  /** Samples by remote write 1.0. */
  push(series: readonly TimeSeries[]): Promise<Answer> {
    return this.pushRequest({ series });
  }

  pushRequest(request: WriteRequest): Promise<Answer> {
    return this.pushBody(snappyBody(writeRequestBytes(request)));
  }

  /** A body unchanged, with remote write's headers or others in their place. */
  pushBody(
    body: Uint8Array,
    headers: readonly (readonly [string, string])[] = REMOTE_WRITE_HEADERS,
  ): Promise<Answer> {
    return this.raw('/api/v1/push', { method: 'POST', headers: [...this.credentials, ...headers], body });
  }

  /** `data` of an API answer. @throws Error with the answer's text if it isn't a success */
  async data<T>(path: string, params: Params = {}): Promise<T> {
    return dataOf(await this.get(path, params));
  }

  query(query: string, timeMs?: number): Promise<QueryData> {
    return this.data('/api/v1/query', { query, ...(timeMs === undefined ? {} : { time: timeMs / 1000 }) });
  }

  queryRange(query: string, startMs: number, endMs: number, stepMs: number): Promise<QueryData> {
    const times = { start: startMs / 1000, end: endMs / 1000, step: stepMs / 1000 };
    return this.data('/api/v1/query_range', { query, ...times });
  }

  /** Raw samples with timeMs − rangeMs < t ≤ timeMs. */
  async samples(selector: string, timeMs: number, rangeMs: number): Promise<readonly MatrixSeries[]> {
    const data = await this.query(`${selector}[${rangeMs}ms]`, timeMs);
    if (data.resultType !== 'matrix') throw new Error(`a ${data.resultType}, not a matrix`);
    return data.result;
  }

  /** The value of an instant query that gives one series or a scalar, or undefined. */
  async value(query: string, timeMs?: number): Promise<number | undefined> {
    const data = await this.query(query, timeMs);
    if (data.resultType === 'scalar') return Number(data.result[1]);
    if (data.resultType !== 'vector' || data.result.length > 1) throw new Error(`${query}: not one value`);
    return data.result.length === 0 ? undefined : Number(data.result[0].value[1]);
  }

  /** One of the program's own metrics: the sum over its labels, 0 if it isn't there. */
  async ownMetric(name: string): Promise<number> {
    const page = await this.raw('/metrics');
    let total = 0;
    for (const line of page.text.split('\n')) {
      const found = /^([^#\s{]+)(?:\{.*\})? (\S+)$/.exec(line);
      if (found?.[1] === name) total += Number(found[2]);
    }
    return total;
  }
}

export function encodeParams(params: Params): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    for (const each of Array.isArray(value) ? value : [value]) search.append(name, String(each));
  return search.toString();
}

export function dataOf<T>(answer: Answer): T {
  if (answer.status !== 200) throw new Error(`${answer.status}: ${answer.text}`);
  const envelope: { status: string; data: T } = JSON.parse(answer.text);
  if (envelope.status !== 'success') throw new Error(answer.text);
  return envelope.data;
}

function requestOf(path: string, exchange: Exchange): Dispatcher.RequestOptions {
  return {
    path,
    method: exchange.method ?? 'GET',
    headers: (exchange.headers ?? []).flat(),
    body: exchange.body ?? null,
    signal: exchange.signal ?? null,
  };
}

async function read(response: Dispatcher.ResponseData): Promise<Answer> {
  const body = Buffer.from(await response.body.arrayBuffer());
  return { status: response.statusCode, headers: response.headers, body, text: body.toString('utf8') };
}
