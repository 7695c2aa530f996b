import { createServer, type Server, type Socket } from 'node:net';

/**
 * libuv (since 1.46) accepts one connection a turn of the event loop, and a turn is long when there is much to do: of hundreds
 * of clients that come at once, as after a restart, the last ones would wait for seconds. So several sockets share the port.
 */
const FURTHER_SOCKETS = 15;

export interface AcceptOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** All sockets together; further connections are closed at once. */
  readonly maxConnections: number;
  /** As the server has it: Node's HTTP servers do. Default: no. */
  readonly allowHalfOpen?: boolean;
}

/** The further sockets of a server. */
export interface FurtherSockets {
  /** Takes no more connections; resolves when those taken have ended. To be called when the server is closed. */
  close(): Promise<void>;
}

/**
 * Has `server`, which must not listen yet, take connections from several sockets of one port; from one if the system
 * doesn't share ports in that way. Each one is an event `connection` of the server.
 * @throws Error if the address can't be had
 */
export async function acceptSockets(server: Server, options: AcceptOptions): Promise<FurtherSockets> {
  const { host, maxConnections, allowHalfOpen = false } = options;
  server.maxConnections = maxConnections;
  // Alone at first: sockets that share a port would share it with another program of this user as well.
  await listen(server, options);
  if (process.platform !== 'linux') return { close: async () => {} };
  const { port } = server.address() as { port: number };
  await closed(server);
  await listen(server, { host, port, reusePort: true });
  const further = new FurtherConnections(server, maxConnections);
  const servers = Array.from({ length: FURTHER_SOCKETS }, () =>
    createServer({ allowHalfOpen, noDelay: true }, (socket) => further.take(socket)),
  );
  await Promise.all(servers.map((one) => listen(one, { host, port, reusePort: true })));
  for (const one of servers) one.on('error', (error) => server.emit('error', error));
  return {
    close: async () => {
      await Promise.all(servers.map(closed));
    },
  };
}

/** Connections that the server didn't accept itself, and the bound on both kinds. */
class FurtherConnections {
  readonly #server: Server;
  readonly #maxConnections: number;
  readonly #taken = new Set<Socket>();
  #count = 0;

  constructor(server: Server, maxConnections: number) {
    this.#server = server;
    this.#maxConnections = maxConnections;
    server.on('connection', (socket) => {
      this.#count++;
      socket.once('close', () => this.#count--);
    });
  }

  take(socket: Socket): void {
    if (this.#count >= this.#maxConnections) {
      socket.destroy();
      return;
    }
    this.#taken.add(socket);
    socket.once('close', () => {
      this.#taken.delete(socket);
      this.#bound();
    });
    this.#bound();
    this.#server.emit('connection', socket);
  }

  /** What is left for those that the server accepts itself. */
  #bound(): void {
    this.#server.maxConnections = this.#maxConnections - this.#taken.size;
  }
}

function listen(
  server: Server,
  { host, port, reusePort = false }: { host: string; port: number; reusePort?: boolean },
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, reusePort }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
