import { createServer, type Server, Socket } from 'node:net';

/** A TCP proxy in front of a server, which cuts its connections at a moment a test chooses. */
export class CuttingProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #answersLeft = Number.POSITIVE_INFINITY;
  #cuts = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#connect(client));
  }

  static async start(targetPort: number): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Connections cut so far. */
  get cuts(): number {
    return this.#cuts;
  }

  /** From now on `count` answers pass; the next one is held back and its connection cut. After that all pass again. */
  cutAfterAnswers(count: number): void {
    this.#answersLeft = count;
  }

  passAll(): void {
    this.#answersLeft = Number.POSITIVE_INFINITY;
  }

  async dispose(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connect(client: Socket): void {
    const upstream = new Socket();
    upstream.connect(this.#targetPort, '127.0.0.1');
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      const other = socket === client ? upstream : client;
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (bytes) => upstream.write(bytes));
    upstream.on('data', (bytes) => {
      if (this.#answersLeft > 0) {
        this.#answersLeft--;
        client.write(bytes);
        return;
      }
      this.passAll();
      this.#cuts++;
      client.destroy();
    });
  }
}
