import { isMainThread, type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { toWireError } from '@xscaler/rpc/errors';
import { dropBootLeftovers } from './boot-leftovers.ts';
import { type MetricFamily, type MetricsRegistry, registrySource } from './metrics.ts';
import type { ThreadCommand, ThreadReport, ThreadSeed } from './thread-messages.ts';

/** What a thread starts from. */
export interface ThreadContext<Config> {
  readonly name: string;
  /** A copy of what `startThread` was given: plain values. */
  readonly config: Config;
  /** The ends of the channels that `startThread` was given, by name. */
  readonly ports: Readonly<Record<string, MessagePort>>;
  /** Says why the boot waits, for `onWaits` of `startThread`; undefined once it goes on. */
  readonly waitsFor: (reason: string | undefined) => void;
}

/** What a booted thread shows to the one that started it. */
export interface RunningThread {
  /** Where its metrics are, if it has any. */
  readonly registry?: MetricsRegistry;
  /** Graceful stop: finish or hand over what is in flight, close files. The thread is ended afterwards. */
  stop(): Promise<void>;
}

/**
 * The whole of a thread's entry file: `runThread(boot)`. `ready` goes out when `boot` resolves, `failed` with its
 * error when it rejects. An error nobody catches ends the thread, and with it the process (see `startThread`).
 */
export function runThread<Config>(boot: (context: ThreadContext<Config>) => Promise<RunningThread>): void {
  if (isMainThread || parentPort === null) throw new Error('runThread is for worker threads');
  const port = parentPort;
  const report = (message: ThreadReport) => port.postMessage(message);
  const seed = workerData as ThreadSeed<Config>;
  const waitsFor = (reason: string | undefined) => report({ kind: 'waits', reason });
  const running = Promise.resolve({ ...seed, waitsFor }).then(boot);
  running.then(
    () => {
      report({ kind: 'ready' });
      setImmediate(dropBootLeftovers);
    },
    (error: unknown) => report({ kind: 'failed', fault: toWireError(error) }),
  );
  port.on('message', async (command: ThreadCommand) => {
    const thread = await running;
    if (command.kind === 'stop') {
      await thread.stop().then(
        () => report({ kind: 'stopped', fault: undefined }),
        (error: unknown) => report({ kind: 'stopped', fault: toWireError(error) }),
      );
      return;
    }
    const families: readonly MetricFamily[] =
      thread.registry === undefined ? [] : await registrySource(thread.registry).metrics();
    report({ kind: 'metrics', families });
  });
}
