import type { Random } from '@xscaler/e2e/harness';
import type { UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import { encodeWriteRequest, encodeWriteRequestV2 } from '@xscaler/wire/remote-write';
import { packSnappy } from '@xscaler/wire/snappy';
import { BrokenPromiseError, type Expectations } from './expectations.ts';
import type { Network } from './network.ts';
import type { DistributorProcess } from './processes.ts';
import { type SentSample, seriesOf } from './sent-sample.ts';

export interface ClientSettings {
  readonly tenants: readonly string[];
  readonly seriesPerTenant: number;
  /** How late a sample may be, with room for skewed clocks and slow networks, ms. */
  readonly safeLatenessMs: number;
  /** From which lateness on a sample is refused whatever the clocks say, ms. */
  readonly refusedLatenessMs: number;
  /** Whether a timestamp may be sent again with another value. */
  readonly hasConflicts: boolean;
}

interface Push {
  readonly tenant: string;
  readonly good: readonly SentSample[];
  /** Too old: to be refused by name. */
  readonly bad: readonly SentSample[];
  /** Remote write 2.0, or 1.0. */
  readonly isV2: boolean;
}

const MAX_ATTEMPTS = 4;
/** An answer that took longer may refuse what was in time when it was sent. */
const SLOW_MS = 3_000;
/** Few distinct times, so that samples meet. */
const GRID_MS = 250;
/** Shares of samples that are native histograms, and of those of remote write 2.0 that have a start timestamp. */
const HISTOGRAMS = 0.05;
const STARTS = 0.2;

class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
}

/** Everything but silence is an answer: a distributor that throws is broken. */
function ifNoAnswer(error: unknown): undefined {
  if (!(error instanceof NoAnswerError)) throw error;
}

/** A sender that knows what it sent and what was said to it. */
export class WriteClient {
  readonly #random: Random;
  readonly #network: Network;
  readonly #distributors: readonly DistributorProcess[];
  readonly #expectations: Expectations;
  readonly #settings: ClientSettings;
  #lastValue = 0;

  constructor(
    random: Random,
    network: Network,
    distributors: readonly DistributorProcess[],
    expectations: Expectations,
    settings: ClientSettings,
  ) {
    this.#random = random;
    this.#network = network;
    this.#distributors = distributors;
    this.#expectations = expectations;
    this.#settings = settings;
  }

  /** Sends one request, again if the answer says to or none came, as senders do. `clock`: the true time. */
  async push(clock: () => number): Promise<void> {
    const composedMs = clock();
    const push = this.#compose(composedMs);
    const body = this.#encode(push);
    for (const { series, timestampMs, value } of push.good) {
      this.#expectations.sending(push.tenant, series, timestampMs, value);
    }
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const answer = await this.#send(push, body).catch(ifNoAnswer);
      if (answer === undefined) this.#each(push, (...point) => this.#expectations.unanswered(...point));
      if (answer !== undefined && isHeld(answer)) this.#expectations.held++;
      if (answer === undefined || answer.status >= 500) continue;
      this.#answered(push, answer, clock() - composedMs);
      break;
    }
    this.#each(push, (...point) => this.#expectations.sentOff(...point));
  }

  #each({ tenant, good }: Push, tell: (tenant: string, series: string, timestampMs: number) => void): void {
    for (const { series, timestampMs } of good) tell(tenant, series, timestampMs);
  }

  /** Deletes a stretch of one series. */
  async delete(nowMs: number): Promise<void> {
    const { tenants, seriesPerTenant } = this.#settings;
    const tenant = tenants[this.#random.between(0, tenants.length)];
    const series = String(this.#random.between(0, seriesPerTenant));
    const endMs = Math.round(nowMs) - this.#random.between(-5_000, 40_000);
    const startMs = endMs - this.#random.between(0, 20_000);
    const begunAt = this.#expectations.moment();
    const deletion = this.#expectations.deleting(tenant, series, startMs, endMs);
    const query = new URLSearchParams({
      'match[]': `{series="${series}"}`,
      start: String(startMs / 1_000),
      end: String(endMs / 1_000),
    });
    const path = '/api/v1/admin/tsdb/delete_series';
    const body = new Uint8Array(0);
    const answer = await this.#call({
      tenant,
      method: 'POST',
      path,
      query: `${query}`,
      headers: {},
      body,
    }).catch(ifNoAnswer);
    if (answer === undefined || answer.status >= 500) return;
    if (answer.status >= 300) {
      throw new BrokenPromiseError(`an answer ${answer.status} to a deletion: ${Buffer.from(answer.body)}`);
    }
    this.#expectations.deleted(deletion, begunAt);
  }

  #compose(nowMs: number): Push {
    const { tenants, seriesPerTenant, safeLatenessMs, refusedLatenessMs } = this.#settings;
    const random = this.#random;
    const tenant = tenants[random.between(0, tenants.length)];
    const sample = (latenessMs: number): SentSample => {
      const series = random.between(0, seriesPerTenant);
      const place = Math.floor((nowMs - latenessMs) / GRID_MS);
      const value = this.#settings.hasConflicts ? this.#value() : valueAt(series, place);
      return { series: String(series), timestampMs: place * GRID_MS, value };
    };
    const lateness = () => (random.next() < 0.8 ? random.next() * 1_500 : random.next() * safeLatenessMs);
    const good = Array.from({ length: random.between(1, 7) }, () => sample(lateness()));
    const isPartlyBad = random.next() < 0.1;
    const bad = isPartlyBad ? [sample(refusedLatenessMs + random.between(0, 5_000))] : [];
    return { tenant, good, bad, isV2: random.next() < 0.5 };
  }

  /** Mostly one of its own; sometimes a common one, which conflicts with nothing. */
  #value(): number {
    if (this.#random.next() < 0.2) return 42;
    const value = ++this.#lastValue + this.#random.next();
    return this.#random.next() < HISTOGRAMS ? -value : value;
  }

  #encode({ good, bad, isV2 }: Push): Uint8Array {
    const series = [...good, ...bad].map((sample) => seriesOf(sample, isV2 && this.#random.next() < STARTS));
    return packSnappy(isV2 ? encodeWriteRequestV2(series) : encodeWriteRequest(series));
  }

  #send({ tenant, isV2 }: Push, body: Uint8Array): Promise<UpstreamResponse> {
    const proto = isV2 ? ';proto=io.prometheus.write.v2.Request' : '';
    const headers = { 'content-type': `application/x-protobuf${proto}`, 'content-encoding': 'snappy' };
    return this.#call({ tenant, method: 'POST', path: '/api/v1/push', query: '', headers, body });
  }

  #call(request: UpstreamRequest): Promise<UpstreamResponse> {
    const distributor = this.#distributors[this.#random.between(0, this.#distributors.length)];
    const work = () => distributor.handle(request, new AbortController().signal);
    return this.#network.call(undefined, distributor, work, () => new NoAnswerError());
  }

  #answered({ tenant, good, bad }: Push, { status, body }: UpstreamResponse, afterMs: number): void {
    const text = Buffer.from(body).toString();
    if (status === 204) {
      if (bad.length > 0) throw new BrokenPromiseError('a sample too old was accepted without a word');
    } else if (status === 400 && bad.length > 0) {
      this.#expectations.refused += bad.length;
      if (!text.includes('out of bounds'))
        throw new BrokenPromiseError(`a refusal that names no reason: ${text}`);
      // What waited long for its answer may have become too late with the rest too.
      if (afterMs > SLOW_MS) return;
    } else if (status === 400 && afterMs > SLOW_MS) {
      return;
    } else {
      throw new BrokenPromiseError(`an answer ${status} to good samples: ${text}`);
    }
    for (const { series, timestampMs } of good) this.#expectations.acknowledge(tenant, series, timestampMs);
  }
}

/** The one value of a place in time of a series; now and then a native histogram's. */
function valueAt(series: number, place: number): number {
  const number = ((series * 7_919 + place) % 9_973) + 0.5;
  return number % (1 / HISTOGRAMS) < 1 ? -number : number;
}

/** Refused for now, since an ingester doesn't read yet what it takes to store it. */
function isHeld({ status, body }: UpstreamResponse): boolean {
  return status === 503 && Buffer.from(body).includes('not all ingesters read');
}
