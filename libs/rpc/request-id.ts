import { randomUUID } from 'node:crypto';

/** Of every request and answer, from the gateway to the ingesters; in HTTP a header, in gRPC metadata. */
export const REQUEST_ID_HEADER = 'x-request-id';

/** Ids accepted from a client or proxy. They go into logs, so they are short and cannot forge a line. */
const ACCEPTED = /^[A-Za-z0-9._-]{1,64}$/;

/** The id that the sender gave the request if it is an acceptable one, otherwise a new one. */
export function requestIdOf(offered: string | undefined): string {
  return offered !== undefined && ACCEPTED.test(offered) ? offered : randomUUID();
}
