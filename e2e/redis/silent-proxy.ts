import { createServer, type Server, Socket } from 'node:net';

/** A TCP proxy whose connections can fall silent without being closed, as when a firewall forgets them. */
export class SilentProxy {
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sockets = new Set<Socket>();
  #connections = 0;
  /** Connections up to this one say nothing any more. */
  #silentUpTo = 0;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((client) => this.#connect(client));
  }

  static async start(targetPort: number): Promise<SilentProxy> {
    const proxy = new SilentProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Nothing passes any more on the connections there are; new ones work. */
  silence(): void {
    this.#silentUpTo = this.#connections;
  }

  async dispose(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #connect(client: Socket): void {
    const number = ++this.#connections;
    const upstream = new Socket();
    upstream.connect(this.#targetPort, '127.0.0.1');
    const pairs = [
      [client, upstream],
      [upstream, client],
    ] as const;
    for (const [from, to] of pairs) {
      this.#sockets.add(from);
      from.on('error', () => {});
      from.on('data', (bytes) => {
        if (number > this.#silentUpTo) to.write(bytes);
      });
      from.once('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
