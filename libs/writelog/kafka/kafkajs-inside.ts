/**
 * What the log takes from inside kafkajs 2.2.4 (the version is pinned, and the last one): its connection and its
 * codecs of requests and answers, without its consumer, producer and admin. Those were tried and left:
 *
 * - The consumer has no manual assignment. A group of one member comes near, but brings a coordinator on one broker,
 *   rebalances after every hiccup that set offsets back to the committed or newest, and a jump to *newest* without a
 *   word where an offset is out of range. A fetch that names its offset has none of it.
 * - The producer treats a request as failed whole if one of its partitions failed, and its metadata too: one
 *   partition without a leader stops all others.
 * - All of them wake up every millisecond per idle connection (see `quietQueue`).
 */
import { createRequire } from 'node:module';
import type { ConnectionOptions as TlsOptions } from 'node:tls';

const load = createRequire(import.meta.url);

/** One request with the codec of its answer. */
export interface ApiRequest<Answer> {
  readonly request: { readonly apiName: string; encode(): Promise<EncodedBody> };
  readonly response: {
    decode(payload: Buffer): Promise<unknown>;
    /** kafkajs throws here for the first error code in an answer; the log looks at each. */
    parse(decoded: unknown): Answer | Promise<Answer>;
  };
}

/** What kafkajs takes from its own encoder: bytes in `buffer`, and `buf` to know it for one. */
interface EncodedBody {
  readonly buf: Buffer;
  readonly buffer: Buffer;
}

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

export interface KafkajsConnection {
  readonly socket: { destroy(error: Error): void } | undefined;
  readonly requestQueue: RequestQueue;
  /** How long before its session ends a connection authenticates again, ms. */
  reauthenticationThreshold: number;
  /** How long the session lasts that `authenticate` began, ms; 0 is for ever. A `Long`. */
  readonly sessionLifetime: { toString(): string };
  isConnected(): boolean;
  connect(): Promise<unknown>;
  /** Nothing if there is no SASL. Later `send` does it again by itself when the session comes to its end. */
  authenticate(): Promise<void>;
  setVersions(versions: Readonly<Record<number, { readonly maxVersion: number }>>): void;
  setSupportAuthenticationProtocol(isSupported: boolean): void;
  send<Answer>(request: ApiRequest<Answer>): Promise<Answer>;
}

interface Logger {
  namespace(): Logger;
  debug(): void;
  info(): void;
  warn(): void;
  error(): void;
}

/** What kafkajs passes to an authenticator of a connection. */
export interface SaslContext {
  readonly host: string;
  readonly port: number;
  /** One exchange of SASL messages. */
  saslAuthenticate(exchange: {
    readonly request: { encode(): Promise<Buffer> };
    readonly response?: { decode(bytes: Buffer): Promise<unknown>; parse(decoded: unknown): unknown };
  }): Promise<unknown>;
}

export type SaslProvider = (context: SaslContext) => { authenticate(): Promise<void> };

export interface KafkajsSasl {
  /** As the protocol spells it. */
  readonly mechanism: string;
  readonly authenticationProvider: SaslProvider;
}

export interface ConnectionTarget {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly connectTimeoutMs: number;
  /** Plain text if absent. */
  readonly tls?: TlsOptions | undefined;
  readonly sasl?: KafkajsSasl | undefined;
}

interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  readonly connectionTimeout: number;
  readonly ssl: TlsOptions | null;
  readonly sasl: KafkajsSasl | null;
  readonly requestTimeout: number;
  readonly enforceRequestTimeout: boolean;
  readonly socketFactory: unknown;
  readonly logger: Logger;
}

/** The codecs of one request: by version, what makes a request from its fields. */
type Codec = (options: { readonly version: number }) => (fields: object) => ApiRequest<unknown>;

/** An error code of the protocol. */
export interface KafkaCode extends Error {
  readonly type: string;
  readonly code: number;
  readonly retriable: boolean;
}

const Connection: new (options: ConnectionOptions) => KafkajsConnection = load(
  'kafkajs/src/network/connection.js',
);
const socketFactory: () => unknown = load('kafkajs/src/network/socketFactory.js');
const { requests }: { requests: Record<string, { protocol: Codec }> } = load(
  'kafkajs/src/protocol/requests/index.js',
);
const protocolErrors: { createErrorFromCode(code: number): KafkaCode } = load(
  'kafkajs/src/protocol/error.js',
);

/** Who authenticates by user name and password. */
export const passwordProviders: Readonly<
  Record<'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512', (user: SaslUser) => SaslProvider>
> = {
  PLAIN: load('kafkajs/src/broker/saslAuthenticator/plain.js'),
  'SCRAM-SHA-256': load('kafkajs/src/broker/saslAuthenticator/scram256.js'),
  'SCRAM-SHA-512': load('kafkajs/src/broker/saslAuthenticator/scram512.js'),
};

export interface SaslUser {
  readonly username: string;
  readonly password: string;
}

/** SaslHandshake and SaslAuthenticate; the latter's version 1 says how long the session lasts. */
const SASL_VERSIONS = { 17: { maxVersion: 1 }, 36: { maxVersion: 1 } };

const silent: Logger = {
  namespace: () => silent,
  debug() {},
  info() {},
  warn() {},
  error() {},
};

/** A connection that isn't open yet; it can be opened once. Requests have no time limit of their own. */
export function kafkajsConnection(target: ConnectionTarget): KafkajsConnection {
  const { host, port, clientId, connectTimeoutMs, tls, sasl } = target;
  const connection = new Connection({
    host,
    port,
    clientId,
    connectionTimeout: connectTimeoutMs,
    requestTimeout: 0,
    enforceRequestTimeout: false,
    ssl: tls ?? null,
    sasl: sasl ?? null,
    socketFactory: socketFactory(),
    logger: silent,
  });
  connection.setVersions(SASL_VERSIONS);
  connection.setSupportAuthenticationProtocol(true);
  quietQueue(connection.requestQueue);
  return connection;
}

/**
 * kafkajs looks for throttled requests by a timer that sets itself again, also if there are none: 1,000 times a
 * second, with a negative time that Node warns of. With none pending there is nothing to look for.
 */
function quietQueue(queue: RequestQueue): void {
  const schedule = queue.scheduleCheckPendingRequests.bind(queue);
  queue.scheduleCheckPendingRequests = () => {
    if (queue.pending.length > 0) schedule();
  };
}

/**
 * A request by name, its answer as kafkajs decodes it brought into shape by `shape`.
 *
 * Versions are those of Kafka 2.1, which 4.x still takes: no negotiation, and the newest that kafkajs knows for most.
 */
export function apiRequest<Decoded, Answer>(
  name: string,
  version: number,
  fields: object,
  shape: (decoded: Decoded) => Answer,
): ApiRequest<Answer> {
  const { request, response } = requests[name].protocol({ version })(fields);
  const decode = (payload: Buffer) => response.decode(payload);
  return { request, response: { decode, parse: (decoded) => shape(decoded as Decoded) } };
}

/**
 * A request of a version that kafkajs doesn't know, with codecs of its own. Of a flexible version the header's tags are read
 * and written with the body: kafkajs writes the header before them.
 */
export function flexibleRequest<Answer>(
  name: { readonly apiKey: number; readonly apiVersion: number; readonly apiName: string },
  encode: () => Buffer,
  decode: (payload: Buffer) => Answer,
): ApiRequest<Answer> {
  const encodeBody = async () => {
    const bytes = encode();
    return { buf: bytes, buffer: bytes };
  };
  // kafkajs looks for a throttle time in what is decoded, and finds none.
  const response = {
    decode: async (payload: Buffer) => decode(payload),
    parse: (decoded: unknown) => decoded as Answer,
  };
  return { request: { ...name, encode: encodeBody }, response };
}

/** The request with a body that is encoded by `encode` when it is sent. */
export function withBody<Answer>(
  { request, response }: ApiRequest<Answer>,
  encode: () => Buffer,
): ApiRequest<Answer> {
  return { request: { ...request, encode: async () => encodedBody(encode()) }, response };
}

export interface RawRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
}

/**
 * A request that kafkajs has no codec for: `encode` gives what follows the client's id, `decode` gets what follows the
 * correlation id.
 */
export function rawRequest<Answer>(
  header: RawRequest,
  encode: () => Buffer,
  decode: (payload: Buffer) => Answer,
): ApiRequest<Answer> {
  const request = { ...header, encode: async () => encodedBody(encode()) };
  const response = {
    decode: async (payload: Buffer) => decode(payload),
    parse: (decoded: unknown) => decoded as Answer,
  };
  return { request, response };
}

function encodedBody(bytes: Buffer): EncodedBody {
  return { buf: bytes, buffer: bytes };
}

/** The error that a code of the protocol (not 0) stands for. */
export function kafkaCode(code: number): KafkaCode {
  return protocolErrors.createErrorFromCode(code);
}
