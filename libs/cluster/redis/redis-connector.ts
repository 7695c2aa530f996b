import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { AbstractConnector, type RedisOptions as DriverOptions } from 'ioredis';

/**
 * Opens the driver's connections in place of its own connector, which listens to one error of a socket alone. TLS may tell two,
 * a refused certificate and what comes after it, and the second would end the process.
 */
export class RedisConnector extends AbstractConnector {
  readonly #options: DriverOptions;

  constructor(options: unknown) {
    const driverOptions = options as DriverOptions;
    super(driverOptions.disconnectTimeout ?? 0);
    this.#options = driverOptions;
  }

  override async connect(): Promise<Socket> {
    this.connecting = true;
    const { host = '', port = 0, tls } = this.#options;
    // A server of many names finds its certificate by this one; an address is none.
    const servername = isIP(host) === 0 ? { servername: host } : {};
    const socket =
      tls === undefined
        ? connectPlain({ host, port })
        : connectTls({ host, port, ...servername, ...(tls as object) });
    socket.on('error', (error) => {
      this.firstError ??= error;
    });
    this.stream = socket;
    return socket;
  }
}
