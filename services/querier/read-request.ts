import type { UpstreamResponse } from '@xscaler/rpc';
import type { Parameters } from './parameters.ts';

/** One request as its handler sees it. `minOffsets` is what its reads wait for. */
export interface ReadRequest {
  readonly tenant: string;
  readonly parameters: Parameters;
  readonly minOffsets: Readonly<Record<number, number>>;
}

export type ReadHandler = (request: ReadRequest, signal: AbortSignal) => Promise<UpstreamResponse>;
