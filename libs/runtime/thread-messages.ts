import type { MessagePort } from 'node:worker_threads';
import type { MetricFamily } from './metrics.ts';

/** What a thread finds in `workerData`. */
export interface ThreadSeed<Config> {
  readonly name: string;
  readonly config: Config;
  readonly ports: Readonly<Record<string, MessagePort>>;
}

/** An error as a thread reports it. */
export interface ThreadFault {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
  readonly stack: string | undefined;
}

/** To a thread, on the port every worker has. */
export type ThreadCommand = { readonly kind: 'metrics' } | { readonly kind: 'stop' };

/** From a thread: what its boot `waits` for, any number of times; one `ready` or `failed`; then the answers to commands; `stopped` is the last. */
export type ThreadReport =
  | { readonly kind: 'waits'; readonly reason: string | undefined }
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly fault: ThreadFault }
  | { readonly kind: 'metrics'; readonly families: readonly MetricFamily[] }
  | { readonly kind: 'stopped'; readonly fault: ThreadFault | undefined };

export function toThreadFault(error: unknown): ThreadFault {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: String(error), code: undefined, stack: undefined };
  }
  const code = (error as { code?: unknown }).code;
  return {
    name: error.name,
    message: error.message,
    code: typeof code === 'string' ? code : undefined,
    stack: error.stack,
  };
}
