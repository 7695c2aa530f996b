import { ChannelCredentials, Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';

const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const raw = (bytes: Buffer) => bytes;

export interface Exported {
  readonly code: number;
  readonly details: string;
  readonly response: Buffer | undefined;
  /** The `Status` that went along. */
  readonly status: Buffer | undefined;
}

/** A client of OTLP/gRPC with a connection of its own. */
export class Exporter implements Disposable {
  readonly #client: Client;

  constructor(address: string, credentials = ChannelCredentials.createInsecure(), further: object = {}) {
    // Without a pool of their own exporters would share a connection.
    const options = { 'grpc.max_send_message_length': -1, 'grpc.use_local_subchannel_pool': 1, ...further };
    this.#client = new Client(address, credentials, options);
  }

  export(headers: Record<string, string>, message: Buffer, deadlineMs = 20_000): Promise<Exported> {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const options = { deadline: Date.now() + deadlineMs };
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, response: Buffer | undefined) =>
        resolve({
          code: error?.code ?? status.OK,
          details: error?.details ?? '',
          response,
          status: error?.metadata.get('grpc-status-details-bin')[0] as Buffer | undefined,
        });
      this.#client.makeUnaryRequest(EXPORT, raw, raw, message, metadata, options, done);
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
