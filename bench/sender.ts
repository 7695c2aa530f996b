import { Client } from 'undici';
import type { Receiver } from './receivers.ts';

/** One connection that sends remote write bodies, one after the other. */
export class Sender {
  readonly #client: Client;
  readonly #path: string;
  readonly #headers: string[];

  constructor({ url, path, headers }: Receiver) {
    this.#client = new Client(url, { pipelining: 1 });
    this.#path = path;
    this.#headers = [
      ...['content-type', 'application/x-protobuf', 'content-encoding', 'snappy'],
      ...headers.flat(),
    ];
  }

  /** @throws Error if the answer isn't a success */
  async send(body: Buffer): Promise<void> {
    const answer = await this.#client.request({
      path: this.#path,
      method: 'POST',
      headers: this.#headers,
      body,
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${answer.statusCode}: ${text}`);
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
