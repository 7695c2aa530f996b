import { Heartbeat } from '@xscaler/cluster';
import type { Module } from '@xscaler/runtime';

const LOOK_EVERY_MS = 1_000;

/** A module that knows from second to second what is wrong; `look` resolves with undefined if nothing is. */
export function statusWatch(
  name: string,
  needs: readonly string[],
  look: () => Promise<string | undefined>,
  everyMs = LOOK_EVERY_MS,
): Module {
  let reason: string | undefined = 'not checked yet';
  const looking = new Heartbeat(async () => {
    reason = await look().catch((error: Error) => error.message);
  }, everyMs);
  return {
    name,
    needs,
    start: () => looking.start(),
    stop: () => looking.stop(),
    notReady: () => reason,
  };
}

/** A module without which the process still does its work: what it lacks is said beside `ready`. */
export function warnsOnly({ notReady, ...module }: Module): Module {
  return notReady === undefined ? module : { ...module, warning: notReady };
}
