import type { UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import { SnappyExpander } from '@xscaler/wire/snappy';
import type { WriteFormat } from '../encoding/write-sources.ts';
import { NO_CONTENT, textAnswer } from './answers.ts';
import {
  mediaType,
  retryAfterSeconds,
  type WriteFailure,
  type WriteOutcome,
  type WriteProtocol,
} from './write-protocol.ts';

export const PUSH_PATH = '/api/v1/push';

const V1_MESSAGE = 'prometheus.WriteRequest';
const V2_MESSAGE = 'io.prometheus.write.v2.Request';

/**
 * Prometheus' remote write, 1.0 and 2.0 at one address: the content type names the version ("Remote-Write 2.0 specification", content
 * negotiation). A request that is partly bad keeps its good part and gets a 400, which no sender retries. Answers to 2.0 always have
 * the numbers written. Samples left out on purpose, like those of an HA replica that isn't elected, count as written, like in Mimir:
 * if a 2xx counts fewer than were sent, Prometheus (`queue_manager.go`) counts the rest as failed and logs an error for every request.
 * Exemplars above the tenant's limit are not counted: they are lost, though the request is not at fault.
 */
class RemoteWriteProtocol implements WriteProtocol {
  readonly format: WriteFormat;
  readonly #snappy: SnappyExpander;

  constructor(format: WriteFormat, snappy: SnappyExpander) {
    this.format = format;
    this.#snappy = snappy;
  }

  fault({ headers }: UpstreamRequest): WriteFailure | undefined {
    const { type, parameters } = mediaType(headers['content-type']);
    if (type !== 'application/x-protobuf') {
      return { status: 415, text: 'content-type must be application/x-protobuf' };
    }
    const message = parameters.get('proto') ?? V1_MESSAGE;
    if (message !== V1_MESSAGE && message !== V2_MESSAGE) {
      return { status: 415, text: `proto must be ${V1_MESSAGE} or ${V2_MESSAGE}, not ${message}` };
    }
    if ((headers['content-encoding'] ?? '').trim().toLowerCase() !== 'snappy') {
      return { status: 415, text: 'content-encoding must be snappy' };
    }
    return undefined;
  }

  expand({ body }: UpstreamRequest, maxBytes: number): Uint8Array {
    return this.#snappy.expand(body, maxBytes);
  }

  answer(_request: UpstreamRequest, outcome: WriteOutcome): UpstreamResponse {
    const answer = plainAnswer(outcome);
    if (this.format === 'remote_write_1') return answer;
    const [samples, histograms, exemplars] = written(outcome);
    return {
      ...answer,
      headers: {
        ...answer.headers,
        'x-prometheus-remote-write-samples-written': String(samples),
        'x-prometheus-remote-write-histograms-written': String(histograms),
        'x-prometheus-remote-write-exemplars-written': String(exemplars),
      },
    };
  }
}

/** Float samples, native histograms and exemplars that count as written: all that were neither refused nor above the limit. */
function written({ push }: WriteOutcome): [samples: number, histograms: number, exemplars: number] {
  if (push === undefined) return [0, 0, 0];
  const { storedSamples, storedHistograms, storedExemplars, refusals } = push;
  return [
    storedSamples - storedHistograms + refusals.samplesLeftOut,
    storedHistograms + refusals.histogramsLeftOut,
    storedExemplars + refusals.exemplarsLeftOut,
  ];
}

/** Both versions, with a shared buffer for expanded bodies. */
export class RemoteWriteProtocols {
  readonly #snappy = new SnappyExpander();
  readonly #v1 = new RemoteWriteProtocol('remote_write_1', this.#snappy);
  readonly #v2 = new RemoteWriteProtocol('remote_write_2', this.#snappy);

  of(request: UpstreamRequest): WriteProtocol {
    const { parameters } = mediaType(request.headers['content-type']);
    return parameters.get('proto') === V2_MESSAGE ? this.#v2 : this.#v1;
  }
}

/** As text, for the sender's logs. */
export function plainAnswer(outcome: WriteOutcome): UpstreamResponse {
  if (outcome.push !== undefined) {
    const { refusals, storedSamples } = outcome.push;
    if (!refusals.none) return textAnswer(400, refusals.text(storedSamples));
    // Like Mimir: the sender need do nothing, but it is not a 204 either.
    return refusals.samples.has('ha_deduplicated') || refusals.thinnedExemplars > 0
      ? textAnswer(202, refusals.text(storedSamples))
      : NO_CONTENT;
  }
  const { status, text, retryAfterMs, headers } = outcome;
  return textAnswer(status, text, {
    ...headers,
    ...(retryAfterMs !== undefined && { 'retry-after': retryAfterSeconds(retryAfterMs) }),
  });
}
