import { once } from 'node:events';
import { createConnection, createServer, type Server, type Socket } from 'node:net';

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/**
 * A TCP proxy that can lose answers: what clients send arrives, what comes back doesn't, and then the connection
 * is cut. It speaks no protocol.
 */
export class CuttingProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #isSwallowing = false;
  #swallowedBytes = 0;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Listens on `port` of the loopback and passes on to `targetPort`, which needn't be there yet. */
  static async listen(port: number, targetPort: number): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server, port);
    server.on('connection', (client) => proxy.#connect(client, targetPort));
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  /** From now on answers are swallowed, while requests pass. */
  swallowAnswers(): void {
    this.#isSwallowing = true;
    this.#swallowedBytes = 0;
  }

  /** Bytes of answers swallowed since `swallowAnswers`. */
  get swallowedBytes(): number {
    return this.#swallowedBytes;
  }

  /** Answers pass again, except on connections that have lost some: those must be cut. */
  passAnswers(): void {
    this.#isSwallowing = false;
  }

  /** Cuts every connection. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#pairs.clear();
  }

  async close(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(client: Socket, targetPort: number): void {
    const server = createConnection(targetPort, '127.0.0.1');
    const pair = { client, server };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    client.on('error', end).on('close', end);
    server.on('error', end).on('close', end);
    client.pipe(server);
    server.on('data', (bytes) => {
      if (this.#isSwallowing) this.#swallowedBytes += bytes.length;
      else client.write(bytes);
    });
  }
}
