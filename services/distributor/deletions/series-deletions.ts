import type { DeletionProgress, DeletionStore, SeriesDeletion } from '@xscaler/database';
import {
  CLIENT_ADDRESS_HEADER,
  internalErrorText,
  knownFailure,
  REQUEST_ID_HEADER,
  requestIdOf,
  TOKEN_ID_HEADER,
  type Upstream,
  type UpstreamRequest,
  type UpstreamResponse,
} from '@xscaler/rpc';
import type { Actor, Trace } from '@xscaler/tenancy';
import { encodeDeletion, MAX_TIMESTAMP_MS } from '@xscaler/wire/log-record';
import type { WriteLog } from '@xscaler/writelog';
import { Counter, type Registry } from 'prom-client';
import { BadDeletionError, readDeletionRequest } from './deletion-request.ts';

export interface SeriesDeletionsOptions {
  readonly log: WriteLog;
  readonly deletions: DeletionStore;
  /** Puts a deletion in the audit log; if that fails no series is deleted. */
  readonly audit: (trace: Trace, actor: Actor) => Promise<void>;
  /** A new id that can't be guessed. */
  readonly newId: () => string;
  /** Wall clock, ms. */
  readonly clock: () => number;
  /** Why the clock can't be trusted: then deletions get a 503. Undefined while it can; absent: it always can. */
  readonly clockFault?: () => string | undefined;
  readonly logger: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly registry: Registry;
  /** Limit on a tenant's unfinished deletions, whose series are still in blocks: every read checks each. */
  readonly maxUnfinished?: number;
}

const PATH = '/api/v1/admin/tsdb/delete_series';
const MAX_UNFINISHED = 500;
const RETRY_AFTER_S = 5;
const RETRY_UNFINISHED_S = 60;
/** Of the selectors, characters. */
const MAX_AUDITED_LENGTH = 4_000;

/**
 * `POST /api/v1/admin/tsdb/delete_series` and `GET …/delete_series/<id>`.
 *
 * A deletion goes into every partition of the log, whatever the tenant's shard is and was. It deletes the series before it in the
 * log, not those after it. Then its offsets go into the database, for readers of blocks. After both it is answered, and no later read
 * sees the deleted series. If only the first step was done, the ingesters do the second.
 */
export class SeriesDeletions implements Upstream {
  readonly #options: SeriesDeletionsOptions;
  readonly #requests: Counter<'code'>;

  constructor(options: SeriesDeletionsOptions) {
    this.#options = options;
    this.#requests = new Counter({
      name: 'xscaler_distributor_deletion_requests_total',
      help: 'Requests to delete series or to read a receipt, by status code.',
      labelNames: ['code'],
      registers: [options.registry],
    });
  }

  /** Whether a request is one of these. */
  static isFor({ path }: Pick<UpstreamRequest, 'path'>): boolean {
    return path === PATH || path.startsWith(`${PATH}/`);
  }

  async handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    signal.throwIfAborted();
    const answer = await this.#answer(request);
    this.#requests.inc({ code: String(answer.status) });
    return answer;
  }

  async #answer(request: UpstreamRequest): Promise<UpstreamResponse> {
    const { method, path, tenant } = request;
    const wanted = path === PATH ? 'POST' : 'GET';
    if (method !== wanted)
      return failure(405, 'bad_data', `method not allowed, use ${wanted}`, { allow: wanted });
    try {
      return path === PATH
        ? await this.#delete(request)
        : await this.#progress(tenant, path.slice(PATH.length + 1));
    } catch (error) {
      if (error instanceof BadDeletionError) return failure(400, 'bad_data', error.message);
      return this.#failed(request, error);
    }
  }

  #failed({ tenant, headers }: UpstreamRequest, err: unknown): UpstreamResponse {
    const { logger } = this.#options;
    const requestId = requestIdOf(headers[REQUEST_ID_HEADER]);
    const cause = knownFailure(err);
    if (cause === undefined) {
      logger.error({ requestId, tenant, err }, 'a deletion failed because of a bug');
      return failure(500, 'internal', internalErrorText(requestId));
    }
    logger.warn({ requestId, tenant, err }, 'a deletion could not be performed or looked up');
    const text = `the deletion is incomplete: ${cause}; try again`;
    return later(text, RETRY_AFTER_S, 503, 'unavailable');
  }

  async #delete(request: UpstreamRequest): Promise<UpstreamResponse> {
    const { log, deletions, audit, newId, clock, logger } = this.#options;
    const { matcherSets, startMs, endMs } = readDeletionRequest(request);
    const { tenant } = request;
    const requestedMs = clock();
    const fault = this.#options.clockFault?.();
    if (fault !== undefined) return later(`nothing was deleted: ${fault}`, RETRY_AFTER_S, 503, 'unavailable');
    const unfinished = await deletions.unfinished(tenant);
    if (unfinished >= (this.#options.maxUnfinished ?? MAX_UNFINISHED)) {
      const text = `${unfinished} deletions are still being applied to blocks`;
      return later(text, RETRY_UNFINISHED_S, 429, 'too_many_requests');
    }
    const deletion: SeriesDeletion = {
      deletionId: newId(),
      tenant,
      requestedMs,
      startMs,
      endMs,
      matcherSets: matcherSets.map((set) => set.map(({ type, name, value }) => ({ type, name, value }))),
    };
    await audit(traceOf(deletion), actorOf(request));
    const offsets = await append(log, encodeDeletion(deletion));
    await deletions.hide(deletion, offsets);
    const { deletionId: id } = deletion;
    logger.info({ tenant, id, selectors: matcherSets.length }, 'series were deleted');
    return success({ id });
  }

  async #progress(tenant: string, id: string): Promise<UpstreamResponse> {
    const progress = await this.#options.deletions.progress(tenant, id);
    if (progress === undefined) return failure(404, 'not_found', 'deletion not found');
    return success(receiptOf(progress));
  }
}

function actorOf({ headers }: UpstreamRequest): Actor {
  return { who: `token ${headers[TOKEN_ID_HEADER] ?? ''}`, from: headers[CLIENT_ADDRESS_HEADER] ?? '' };
}

function traceOf(deletion: SeriesDeletion): Trace {
  const { deletionId: id, tenant, startMs, endMs, matcherSets } = deletion;
  const selectors = matcherSets.map(selectorText).join(' ');
  const isLong = selectors.length > MAX_AUDITED_LENGTH;
  const detail = {
    id,
    selectors: isLong ? `${selectors.slice(0, MAX_AUDITED_LENGTH)}…` : selectors,
    ...rangeOf(startMs, endMs),
  };
  return { action: 'series.delete', tenant, detail: JSON.stringify(detail) };
}

/** In seconds, if there are bounds. */
function rangeOf(startMs: number, endMs: number): object {
  return {
    ...(startMs > -MAX_TIMESTAMP_MS && { start: startMs / 1_000 }),
    ...(endMs < MAX_TIMESTAMP_MS && { end: endMs / 1_000 }),
  };
}

/** Sends deletions to one and everything else to the other. */
export function withDeletions(writes: Upstream, deletions: SeriesDeletions): Upstream {
  return {
    handle: (request, signal) =>
      (SeriesDeletions.isFor(request) ? deletions : writes).handle(request, signal),
  };
}

/** The record's offset in every partition. Waits for all appends, so that none continues after the answer. */
async function append(log: WriteLog, record: Uint8Array<ArrayBuffer>): Promise<Map<number, number>> {
  const partitions = Array.from({ length: log.partitionCount }, (_, partition) => partition);
  // A log may take the buffer it is given.
  const appends = partitions.map((partition) => log.append(partition, record.slice()));
  const outcomes = await Promise.allSettled(appends);
  const offsets = new Map<number, number>();
  for (const [partition, outcome] of outcomes.entries()) {
    if (outcome.status === 'rejected') throw outcome.reason;
    offsets.set(partition, outcome.value);
  }
  return offsets;
}

function receiptOf(progress: DeletionProgress): object {
  const { deletion, doneMs, partitions, partitionsDone, blocksLeft } = progress;
  const { deletionId: id, startMs, endMs, requestedMs, matcherSets } = deletion;
  return {
    id,
    /** `hidden`: no read returns the series; `done`: only blocks that wait to be purged still have them. */
    state: doneMs === undefined ? 'hidden' : 'done',
    selectors: matcherSets.map(selectorText),
    ...rangeOf(startMs, endMs),
    requestedAt: new Date(requestedMs).toISOString(),
    ...(doneMs !== undefined && { doneAt: new Date(doneMs).toISOString() }),
    ...(doneMs === undefined && { partitions, partitionsDone, blocksLeft }),
  };
}

function selectorText(matchers: SeriesDeletion['matcherSets'][number]): string {
  const texts = matchers.map(({ type, name, value }) => {
    const label = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
    return `${label}${type}${JSON.stringify(value)}`;
  });
  return `{${texts.join(',')}}`;
}

function success(data: object): UpstreamResponse {
  return json(200, { status: 'success', data });
}

function failure(
  status: number,
  errorType: string,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): UpstreamResponse {
  return json(status, { status: 'error', errorType, error }, headers);
}

function later(text: string, afterSeconds: number, status: 429 | 503, errorType: string): UpstreamResponse {
  return failure(status, errorType, text, { 'retry-after': String(afterSeconds) });
}

/** The Prometheus envelope, as the other paths of its API answer. */
function json(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): UpstreamResponse {
  return {
    status,
    headers: { 'content-type': 'application/json', 'x-content-type-options': 'nosniff', ...headers },
    body: new Uint8Array(Buffer.from(JSON.stringify(body))),
  };
}
