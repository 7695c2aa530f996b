import { type ApiRequest, type KafkajsConnection, kafkajsConnection } from './kafkajs-inside.ts';

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * One connection to one broker, opened by the first request. Requests are answered in their order. A request that
 * fails or takes too long ends the connection, and with it all that wait: it isn't opened again.
 */
export class KafkaConnection {
  readonly address: string;
  readonly #connection: KafkajsConnection;
  readonly #waiting = new Set<(error: Error) => void>();
  #opening: Promise<unknown> | undefined;
  #isOpen = false;
  #isDestroyed = false;

  /** @param address `host:port` */
  constructor(address: string, clientId: string) {
    this.address = address;
    const colon = address.lastIndexOf(':');
    const host = address.slice(0, colon);
    this.#connection = kafkajsConnection(
      host,
      Number(address.slice(colon + 1)),
      clientId,
      CONNECT_TIMEOUT_MS,
    );
  }

  /** Whether a request may be given to it. */
  get isUsable(): boolean {
    return !this.#isDestroyed && (!this.#isOpen || this.#connection.isConnected());
  }

  /** @throws Error where the connection is lost or `timeoutMs` pass: the request may have been carried out */
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
    this.#opening ??= this.#connection.connect();
    await this.#opening;
    this.#isOpen = true;
    return this.#connection.send(request);
  }
}
