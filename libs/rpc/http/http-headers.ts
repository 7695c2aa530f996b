export const TENANT_HEADER = 'x-xscaler-tenant';

/**
 * Marks an answer that is not an answer of the service: a JSON body says what went wrong (`WireError`).
 * `refused`: the service was not asked. `thrown`: it threw.
 */
export const FAULT_HEADER = 'x-xscaler-fault';

const OUR_PREFIX = 'x-xscaler-';

/** Headers that belong to one connection or to the body's framing (RFC 9110, 7.6.1; RFC 9112, 6), and `host`. */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Whether a header travels from end to end: not the connection's, and not our own. */
export function isEndToEnd(lowerCaseName: string): boolean {
  return !HOP_BY_HOP.has(lowerCaseName) && !lowerCaseName.startsWith(OUR_PREFIX);
}

/** The headers that travel, of those a parser gave. */
export function endToEndHeaders(
  parsed: Readonly<Record<string, string | readonly string[] | undefined>>,
): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const name in parsed) {
    const value = parsed[name];
    if (value === undefined || !isEndToEnd(name)) continue;
    headers[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return headers;
}
