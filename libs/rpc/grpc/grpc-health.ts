import { type ServerUnaryCall, type ServerWritableStream, type sendUnaryData, status } from '@grpc/grpc-js';
import { INGESTER_SERVICE_NAME } from './ingester-proto.ts';

interface HealthRequest {
  readonly service: string;
}

interface HealthAnswer {
  readonly status: 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';
}

/** Watchers of health are few; probes ask again and again. */
const MAX_WATCHERS = 64;

/** grpc.health.v1, for the server as a whole ('') and the ingester. */
export class GrpcHealth {
  readonly #watchers = new Set<ServerWritableStream<HealthRequest, HealthAnswer>>();
  #serving = true;

  setServing(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const call of this.#watchers) call.write(this.#answer());
  }

  /** Ends what would keep a server from shutting down. */
  endWatches(): void {
    for (const call of this.#watchers) call.end();
    this.#watchers.clear();
  }

  /** Handlers for `Server.addService`. */
  readonly handlers = {
    Check: (
      { request }: ServerUnaryCall<HealthRequest, HealthAnswer>,
      reply: sendUnaryData<HealthAnswer>,
    ): void => {
      if (isKnown(request)) reply(null, this.#answer());
      else reply({ code: status.NOT_FOUND, details: `no such service: ${request.service}` });
    },
    Watch: (call: ServerWritableStream<HealthRequest, HealthAnswer>): void => {
      if (this.#watchers.size >= MAX_WATCHERS) {
        call.emit('error', { code: status.RESOURCE_EXHAUSTED, details: 'too many watchers' });
        return;
      }
      if (!isKnown(call.request)) {
        call.write({ status: 'SERVICE_UNKNOWN' });
        return;
      }
      this.#watchers.add(call);
      call.on('cancelled', () => this.#watchers.delete(call));
      call.write(this.#answer());
    },
  };

  #answer(): HealthAnswer {
    return { status: this.#serving ? 'SERVING' : 'NOT_SERVING' };
  }
}

function isKnown({ service }: HealthRequest): boolean {
  return service === '' || service === INGESTER_SERVICE_NAME;
}
