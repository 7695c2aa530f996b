import { connect, type Socket } from 'node:net';
import type { Receiver } from './receivers.ts';

export interface WriteAnswer {
  readonly status: number;
  /** Seconds of `Retry-After`; undefined if there is none. */
  readonly retryAfter: number | undefined;
}

/**
 * A connection for remote writes, one at a time, opened when there is one to send. It does as little as HTTP/1.1 allows, since it
 * runs on the cores of the server that is measured: of an answer three things are read.
 */
export class WriteConnection {
  readonly #url: URL;
  readonly #head: string;
  #socket: Socket | undefined;
  #received = '';
  #answered: PromiseWithResolvers<WriteAnswer> | undefined;

  constructor({ url, path, headers }: Pick<Receiver, 'url' | 'path' | 'headers'>) {
    this.#url = new URL(url);
    const lines = [
      `POST ${path} HTTP/1.1`,
      `Host: ${this.#url.host}`,
      'Content-Type: application/x-protobuf',
      'Content-Encoding: snappy',
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ];
    this.#head = lines.join('\r\n');
  }

  /** @throws Error if the connection can't be opened, or ends before the answer; the next request opens another one */
  send(body: Buffer): Promise<WriteAnswer> {
    const answered = Promise.withResolvers<WriteAnswer>();
    this.#answered = answered;
    this.#received = '';
    this.#socket ??= this.#open();
    this.#socket.cork();
    this.#socket.write(`${this.#head}\r\nContent-Length: ${body.length}\r\n\r\n`, 'latin1');
    this.#socket.write(body);
    this.#socket.uncork();
    return answered.promise;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #open(): Socket {
    const { hostname, port } = this.#url;
    const socket = connect({ port: Number(port), host: hostname, noDelay: true });
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#receive(text));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('connection closed')));
    return socket;
  }

  #receive(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n');
    if (headEnd === -1) return;
    const head = this.#received.slice(0, headEnd).toLowerCase();
    const bodyLength = Number(/\r\ncontent-length: (\d+)/.exec(head)?.[1] ?? 0);
    if (this.#received.length < headEnd + 4 + bodyLength) return;
    const retryAfter = /\r\nretry-after: (\d+)/.exec(head)?.[1];
    this.#answered?.resolve({
      status: Number(head.slice(9, 12)),
      retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
    });
    this.#answered = undefined;
  }

  #fail(error: Error): void {
    this.#socket = undefined;
    this.#answered?.reject(error);
    this.#answered = undefined;
  }
}
