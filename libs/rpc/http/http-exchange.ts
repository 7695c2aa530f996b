/**
 * A request as the gateway hands it to a service once it has authenticated it: HTTP-shaped, body unread.
 * The same shape travels over a message port (one process) and over HTTP/1.1 (a cluster).
 */
export interface UpstreamRequest {
  readonly tenant: string;
  readonly method: string;
  /** Path without the query string, as the service knows it: `/api/v1/push`, `/api/v1/query_range`, … */
  readonly path: string;
  /** Raw query string without `?`, or ''. */
  readonly query: string;
  /** Lower-case names. Only what a service needs: content-type, content-encoding, accept-encoding, user-agent, x-…; never Authorization. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** On control actions alone, set by the gateway: who acts, for the audit log. What a client sends by these names goes no further. */
export const TOKEN_ID_HEADER = 'x-token-id';
export const CLIENT_ADDRESS_HEADER = 'x-client-address';

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** A service that answers requests. Aborting the signal ends the work; the promise then rejects with its reason. */
export interface Upstream {
  /** @param room asked before the answer's body comes, if that is still somewhere else: a service in another process */
  handle(request: UpstreamRequest, signal: AbortSignal, room?: AnswerRoom): Promise<UpstreamResponse>;
}

/**
 * Resolves when there is room for the body of an answer. What it rejects with is what the call rejects with.
 * @param bytes those the body has
 */
export type AnswerRoom = (bytes: number) => Promise<void>;
