import type { UpstreamRequest, UpstreamResponse } from '@xscaler/rpc';
import type { Parameters } from './parameters.ts';

/** One request as its handler sees it. */
export interface ReadRequest {
  readonly tenant: string;
  readonly parameters: Parameters;
  readonly headers: UpstreamRequest['headers'];
  readonly body: Uint8Array;
  /** Its place among the fetches of end offsets, see `EndOffsets`; absent if it is to wait for nothing. */
  readonly arrival: number | undefined;
  readonly requestId: string;
}

export type ReadHandler = (request: ReadRequest, signal: AbortSignal) => Promise<UpstreamResponse>;
