import type { ServerResponse } from 'node:http';
import type { UpstreamResponse } from '@xscaler/rpc';
import { acceptedEncoding, COMPRESS_FROM_BYTES, compress } from '../bodies/content-encoding.ts';
import type { ByteLease } from '../budgets/byte-budget.ts';
import type { PaceWatch } from '../budgets/pace.ts';
import { otlpRefusalBody } from '../refusals/otlp-refusal.ts';
import { REFUSALS, type Refusal } from '../refusals/refusal.ts';
import type { Route, RouteKind } from '../routing/routes.ts';
import { sendPaced } from './paced-answer.ts';

/**
 * An unread body is taken in for this long and so far after a refusal, so that the client sees the answer and no reset, and may use the
 * connection again: twice of what a body may have by default.
 */
const UNREAD_BODY_MS = 3_000;
const UNREAD_BODY_BYTES = 32 * 1024 * 1024;

/** Headers that belong to one hop, or that this hop works out itself. */
const NOT_PASSED_ON = new Set([
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // The gateway has set it.
  'x-request-id',
]);

/**
 * A refusal in the form of its path: reads and administration get the Prometheus envelope, OTLP a `Status`, everything
 * else plain text.
 */
export function sendRefusal(response: ServerResponse, refusal: Refusal, route: Route | undefined): void {
  const { status } = REFUSALS[refusal.code];
  const { contentType, body } = route?.speaksOtlp
    ? otlpRefusalBody(refusal, response.req.headers['content-type'])
    : refusalBody(refusal, route?.kind);
  response.writeHead(status, {
    ...refusal.headers,
    'content-type': contentType,
    'content-length': body.length,
  });
  // As text Node joins it with the head: one call of the system in the place of a dearer one.
  response.end(Buffer.from(body).toString('latin1'), 'latin1');
  drainUnread(response);
}

function refusalBody({ code, message }: Refusal, kind: RouteKind | undefined) {
  if (kind !== 'read' && kind !== 'admin') {
    return { contentType: 'text/plain; charset=utf-8', body: Buffer.from(`${message}\n`) };
  }
  const envelope = { status: 'error', errorType: REFUSALS[code].errorType, error: message };
  return { contentType: 'application/json', body: Buffer.from(JSON.stringify(envelope)) };
}

export interface AnswerOptions {
  readonly kind: RouteKind;
  readonly acceptEncoding: string | undefined;
  /** Holds what the answer has; less if that is compressed. */
  readonly lease: ByteLease;
  readonly paces: PaceWatch;
  /** Told of a client before it is cut off for reading too slowly. */
  readonly onSlow: (takenBytes: number, ofBytes: number) => void;
}

/**
 * Passes a service's answer on; answers to reads are compressed if the client takes that and it pays.
 * @returns when the last byte is taken, or the connection is closed
 */
export async function sendAnswer(
  response: ServerResponse,
  answer: UpstreamResponse,
  { kind, acceptEncoding, lease, paces, onSlow }: AnswerOptions,
): Promise<void> {
  const headers: Record<string, string | number> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (!NOT_PASSED_ON.has(name.toLowerCase())) headers[name.toLowerCase()] = value;
  }
  // An answer that asks for a retry says when.
  if (answer.status === 429 || answer.status === 503) headers['retry-after'] ??= '1';
  let body = answer.body;
  if (kind === 'read' && headers['content-encoding'] === undefined) {
    headers['vary'] = 'accept-encoding';
    const encoding = body.length > COMPRESS_FROM_BYTES ? acceptedEncoding(acceptEncoding) : undefined;
    if (encoding !== undefined) {
      body = await compress(body, encoding);
      headers['content-encoding'] = encoding;
      lease.shrinkTo(body.length);
    }
  }
  if (response.destroyed) return;
  if (answer.status !== 204 && answer.status !== 304) headers['content-length'] = body.length;
  response.writeHead(answer.status, headers);
  await sendPaced(response, body, paces, (takenBytes) => onSlow(takenBytes, body.length));
}

/** @param response one that was sent, perhaps before all of its request was read */
function drainUnread(response: ServerResponse): void {
  const request = response.req;
  if (request.complete) return;
  const hangUp = () => {
    if (!request.complete) request.socket.destroy();
  };
  let drainedBytes = 0;
  request.on('data', (chunk: Buffer) => {
    drainedBytes += chunk.length;
    if (drainedBytes > UNREAD_BODY_BYTES) hangUp();
  });
  request.resume();
  const timer = setTimeout(hangUp, UNREAD_BODY_MS);
  request.once('close', () => clearTimeout(timer));
}
