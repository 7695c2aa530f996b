import type { UpstreamRequest } from '@xscaler/rpc';
import { type EncodedPush, PushEncoder } from '../encoding/push-encoder.ts';
import type { WriteBody } from '../encoding/write-body.ts';
import type { WriteProtocol } from '../protocols/write-protocol.ts';

/** A request is encoded up to this many times; questions that are open then are decided in its favour. */
const MAX_ENCODINGS = 3;

/** Expands and encodes requests, and has the questions decided that they raise. */
export class RequestEncoding {
  readonly #encoder: PushEncoder;

  constructor(windowMs: number, seed: Uint32Array) {
    this.#encoder = new PushEncoder(windowMs, seed);
  }

  get otlpCacheBytes(): number {
    return this.#encoder.otlpCacheBytes;
  }

  /**
   * Separate from the append, so that no expanded body is held while its records are made durable.
   * @throws DecodeError, TooLargeError
   */
  async encode(
    protocol: WriteProtocol,
    request: UpstreamRequest,
    write: Omit<WriteBody, 'body' | 'format' | 'mayAsk'>,
  ): Promise<EncodedPush> {
    const { format } = protocol;
    const expanding = protocol.expand(request, write.limits.max_decompressed_size);
    const body = expanding instanceof Promise ? await expanding : expanding;
    const push = this.#encoder.encode({ ...write, format, body, mayAsk: true });
    if (push.questions.length === 0) return push;
    // Other requests are expanded into the same buffer meanwhile.
    return this.#encodeAgain({ ...write, format, body: Buffer.from(body) }, push);
  }

  /** Has the questions of a first encoding decided, and those that follow from them. */
  async #encodeAgain(write: Omit<WriteBody, 'mayAsk'>, first: EncodedPush): Promise<EncodedPush> {
    let push = first;
    for (let i = 2; i <= MAX_ENCODINGS && push.questions.length > 0; i++) {
      await Promise.all(push.questions.map((question) => question.decide(write.nowMs)));
      push = this.#encoder.encode({ ...write, mayAsk: i < MAX_ENCODINGS });
    }
    return push;
  }
}
