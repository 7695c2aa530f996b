/**
 * The request can't be answered now, but may be later. The message is for clients: it must not contain an address, a host
 * name or a foreign error's text, which belongs in `cause`.
 */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
  readonly code = 'unavailable';
}

/** Texts by an error's name and code. An error that has crossed a thread or a connection keeps only these two. */
const OF_OURS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  DatabaseError: {
    unavailable: 'the database is not available',
    disk_full: 'the disk of the database is full',
    damaged: 'the file of the database is damaged',
    conflict: 'the database has changed in the meantime',
  },
  WriteLogError: {
    unavailable: 'the write log is not available',
    disk_full: 'the disk of the write log is full',
    damaged: 'the file of the write log is damaged',
    log_missing: 'the write log is gone',
    log_replaced: 'the write log is not the one that blocks were created from',
    closed: 'the service is stopping',
  },
  ClusterError: { unavailable: 'Redis is not available' },
  RpcError: {
    closed: 'a service that is needed is stopping',
    overloaded: 'a service that is needed has too many requests',
    unknown_method: 'a service that is needed runs another release',
    unavailable: 'a service that is needed cannot be reached',
    deadline_exceeded: 'a service that is needed did not answer in time',
    refused: 'a service that is needed did not accept the call',
    too_large: 'the answer of a service is too large',
    protocol: 'a service that is needed gave no valid answer',
  },
};

/** Texts by name alone. */
const BY_NAME: Readonly<Record<string, string>> = {
  DamagedBlockError: 'a stored block of this time is damaged',
  TimeoutError: 'a service that is needed did not answer in time',
  AbortError: 'the work was cancelled',
};

const UNREACHABLE = 'a service that is needed cannot be reached';
const DISK_FULL = 'a disk is full';

/** Texts by the code of Node, of the system or of undici. */
const OF_SYSTEM: Readonly<Record<string, string>> = {
  ECONNREFUSED: UNREACHABLE,
  ECONNRESET: UNREACHABLE,
  ECONNABORTED: UNREACHABLE,
  EPIPE: UNREACHABLE,
  ETIMEDOUT: UNREACHABLE,
  EHOSTUNREACH: UNREACHABLE,
  EHOSTDOWN: UNREACHABLE,
  ENETUNREACH: UNREACHABLE,
  ENETDOWN: UNREACHABLE,
  EADDRNOTAVAIL: UNREACHABLE,
  ENOTFOUND: UNREACHABLE,
  EAI_AGAIN: UNREACHABLE,
  UND_ERR_CONNECT_TIMEOUT: UNREACHABLE,
  UND_ERR_SOCKET: UNREACHABLE,
  UND_ERR_HEADERS_TIMEOUT: UNREACHABLE,
  UND_ERR_BODY_TIMEOUT: UNREACHABLE,
  ENOSPC: DISK_FULL,
  EDQUOT: DISK_FULL,
  EMFILE: 'too many files and connections are open',
  ENFILE: 'too many files and connections are open',
  ERR_WORKER_INIT_FAILED: 'too many threads are running',
};

/** How many nested causes are searched: some errors wrap another, such as undici’s `fetch failed`. */
const MAX_CAUSES = 4;

/**
 * The text that a client may see for an error that ended its request, if the cause is a known one. Undefined if it
 * is a bug: the client then only sees `internalErrorText`. In both cases the error itself goes only to the log.
 */
export function knownFailure(error: unknown): string | undefined {
  for (let cause = error, i = 0; cause instanceof Error && i < MAX_CAUSES; cause = cause.cause, i++) {
    const text = textOf(cause);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** The text that a client sees for a bug. */
export function internalErrorText(requestId: string): string {
  return `internal error, request ${requestId}`;
}

function textOf(error: Error): string | undefined {
  const { name, message } = error;
  const { code = '' } = error as { code?: unknown };
  if (name === 'UnavailableError') return message;
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name];
  if (typeof code !== 'string') return undefined;
  if (Object.hasOwn(OF_OURS, name))
    return Object.hasOwn(OF_OURS[name], code) ? OF_OURS[name][code] : undefined;
  return Object.hasOwn(OF_SYSTEM, code) ? OF_SYSTEM[code] : undefined;
}
