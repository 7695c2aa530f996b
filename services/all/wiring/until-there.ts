import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilThere {
  /** Whether what failed so may be there later; any other failure is final. */
  readonly mayPass: (error: unknown) => boolean;
  /** Told of every failure that may pass. */
  readonly onAway: (error: Error) => void;
  readonly signal: AbortSignal;
  readonly retryMs?: number;
}

/** Does what needs somebody else until that one exists. Rejects with what is final, or with the signal's reason. */
export async function untilThere<T>(attempt: () => Promise<T>, options: UntilThere): Promise<T> {
  const { mayPass, onAway, signal, retryMs = 1_000 } = options;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!mayPass(error)) throw error;
      onAway(error as Error);
    }
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
  }
}
