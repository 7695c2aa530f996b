import { Client } from 'undici';
import type { ServiceTls } from '../service-tls.ts';
import { connectorOf } from './http-connector.ts';

export interface HealthProbeOptions {
  readonly origin: string;
  readonly tls: ServiceTls | undefined;
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Called after every probe that was answered with 2xx. */
  readonly onHealthy: () => void;
}

/** Asks an address for its health all the time, on a connection apart: requests that wait must not make it look ill. */
export class HealthProbe {
  /** Undefined until the first answer. */
  healthy: boolean | undefined;
  readonly #options: HealthProbeOptions;
  readonly #client: Client;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: HealthProbeOptions) {
    this.#options = options;
    this.#client = new Client(options.origin, { connect: connectorOf(options.tls, options.timeoutMs) });
    void this.#run();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#client.destroy();
  }

  async #run(): Promise<void> {
    const { intervalMs, onHealthy } = this.#options;
    const healthy = await this.#probe();
    if (this.#closed) return;
    this.healthy = healthy;
    if (healthy) onHealthy();
    this.#timer = setTimeout(() => this.#run(), intervalMs).unref();
  }

  async #probe(): Promise<boolean> {
    const { path, timeoutMs } = this.#options;
    try {
      const signal = AbortSignal.timeout(timeoutMs);
      const { statusCode, body } = await this.#client.request({ method: 'GET', path, signal });
      await body.dump();
      return statusCode >= 200 && statusCode < 300;
    } catch {
      return false;
    }
  }
}
