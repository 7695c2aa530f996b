import { KafkaAccess } from './kafka-access.ts';
import { type ApiRequest, type KafkajsConnection, kafkajsConnection } from './kafkajs-inside.ts';

const CONNECT_TIMEOUT_MS = 3_000;
/** How long before its session ends a connection authenticates again: at most, and as a part of a short session. */
const MAX_REAUTHENTICATION_MARGIN_MS = 10_000;
const REAUTHENTICATION_MARGIN = 0.2;

const PLAIN = new KafkaAccess({});

/**
 * One connection to one broker, opened by the first request. Requests are answered in their order. A request that
 * fails or takes too long ends the connection, and with it all that wait: it isn't opened again.
 */
export class KafkaConnection {
  readonly address: string;
  readonly #access: KafkaAccess;
  readonly #connection: KafkajsConnection;
  readonly #waiting = new Set<(error: Error) => void>();
  #opening: Promise<void> | undefined;
  #isOpen = false;
  #hasAnswered = false;
  #isDestroyed = false;

  /** @param address `host:port` */
  constructor(address: string, clientId: string, access: KafkaAccess = PLAIN) {
    this.address = address;
    this.#access = access;
    const colon = address.lastIndexOf(':');
    this.#connection = kafkajsConnection({
      host: address.slice(0, colon),
      port: Number(address.slice(colon + 1)),
      clientId,
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      tls: access.tls?.connectOptions(),
      sasl: access.sasl,
    });
  }

  /** Whether a request may be given to it. */
  get isUsable(): boolean {
    return !this.#isDestroyed && (!this.#isOpen || this.#connection.isConnected());
  }

  /** @throws Error if the connection is lost or `timeoutMs` pass: the request may have been carried out */
  send<Answer>(request: ApiRequest<Answer>, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { apiName } = request.request;
      const timer = setTimeout(() => {
        this.destroy(new Error(`${apiName} not answered by ${this.address} within ${timeoutMs} ms`));
      }, timeoutMs);
      const settle = () => {
        clearTimeout(timer);
        this.#waiting.delete(fail);
      };
      const fail = (error: Error) => {
        settle();
        reject(error);
      };
      this.#waiting.add(fail);
      this.#exchange(request).then(
        (answer) => {
          settle();
          resolve(answer);
        },
        (error: Error) => this.destroy(error),
      );
    });
  }

  /** Ends the connection; requests that wait fail with `reason`. */
  destroy(reason: Error): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    for (const fail of this.#waiting) fail(reason);
    // By its `error` event kafkajs stops all of its timers too, whatever state it is in.
    this.#connection.socket?.destroy(reason);
  }

  async #exchange<Answer>(request: ApiRequest<Answer>): Promise<Answer> {
    if (this.#isDestroyed) throw new Error(`the connection to ${this.address} has been closed`);
    this.#opening ??= this.#open();
    await this.#opening;
    try {
      const answer = await this.#connection.send(request);
      this.#hasAnswered = true;
      return answer;
    } catch (error) {
      throw this.#explain(error as Error);
    }
  }

  async #open(): Promise<void> {
    try {
      await this.#connection.connect();
      this.#isOpen = true;
      await this.#connection.authenticate();
    } catch (error) {
      throw this.#explain(error as Error);
    }
    const sessionMs = Number(this.#connection.sessionLifetime.toString());
    const marginMs = Math.min(MAX_REAUTHENTICATION_MARGIN_MS, sessionMs * REAUTHENTICATION_MARGIN);
    this.#connection.reauthenticationThreshold = marginMs;
  }

  /** A server that refuses a client's certificate, or its next credentials, says so after the connection is open. */
  #explain(error: Error): Error {
    const explained = this.#access.explain(error, this.address);
    if (explained !== error || this.#hasAnswered || !this.#isOpen || this.#isDestroyed) return explained;
    return isClosing(error) ? this.#access.explainClosed(error, this.address) : error;
  }
}

function isClosing(error: Error): boolean {
  const { name, code } = error as Error & { code?: string };
  return (
    name === 'KafkaJSConnectionClosedError' || (name === 'KafkaJSConnectionError' && code === 'ECONNRESET')
  );
}
