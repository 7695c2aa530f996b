import type { Upstream, UpstreamRequest, UpstreamResponse } from '../http/http-exchange.ts';

/** For tests: a service that answers what it is told to, and remembers what it was asked. */
export class ScriptedUpstream implements Upstream {
  readonly requests: UpstreamRequest[] = [];
  readonly signals: AbortSignal[] = [];
  response: UpstreamResponse = { status: 204, headers: {}, body: new Uint8Array(0) };
  error: unknown;
  /** Nothing is answered until it is cancelled. */
  hangs = false;

  async handle(request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    this.requests.push(request);
    this.signals.push(signal);
    if (this.error !== undefined) throw this.error;
    if (this.hangs) {
      await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
    }
    return { ...this.response, body: this.response.body.slice() };
  }
}

export const PUSH: UpstreamRequest = {
  tenant: 'acme',
  method: 'POST',
  path: '/api/v1/push',
  query: '',
  headers: { 'content-type': 'application/x-protobuf' },
  get body() {
    return new Uint8Array([1, 2, 3]);
  },
};
