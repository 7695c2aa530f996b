import type { MessagePort } from 'node:worker_threads';
import type { WireError } from '@xscaler/rpc/errors';
import type { MetricFamily } from './metrics.ts';

/** What a thread finds in `workerData`. */
export interface ThreadSeed<Config> {
  readonly name: string;
  readonly config: Config;
  readonly ports: Readonly<Record<string, MessagePort>>;
}

/** To a thread, on the port every worker has. */
export type ThreadCommand = { readonly kind: 'metrics' } | { readonly kind: 'stop' };

/** From a thread: what its boot `waits` for, any number of times; one `ready` or `failed`; then the answers to commands; `stopped` is the last. */
export type ThreadReport =
  | { readonly kind: 'waits'; readonly reason: string | undefined }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly fault: WireError }
  | { readonly kind: 'metrics'; readonly families: readonly MetricFamily[] }
  | { readonly kind: 'stopped'; readonly fault: WireError | undefined };
