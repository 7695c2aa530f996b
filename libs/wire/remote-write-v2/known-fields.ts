import { DecodeError } from '@xscaler/encoding';

/** Refuses a field up to `lastKnown`, which the caller knows, but under another wire type. */
export function refuseKnown(tag: number, lastKnown: number, message: string): void {
  const field = tag >>> 3;
  if (field > lastKnown) return;
  throw new DecodeError(`field ${field} of a ${message} has wire type ${tag & 7}`);
}
