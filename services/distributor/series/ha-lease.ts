/** The state of an HA pair's election. */
export interface Election {
  readonly replica: string;
  /** Sample time that the replica was last seen at, ms. */
  readonly latestMs: number;
  /** Sample time at which it was elected, ms. */
  readonly sinceMs: number;
}

/*
 * An election as a lease's value:
 *
 *     value   = version latest since replica    with a space between; the rest is the replica
 *     version = "1"
 *     latest, since = whole ms, in decimals
 */
const FORMAT = /^1 (-?\d{1,16}) (-?\d{1,16}) (.*)$/su;

export function encodeElection({ replica, latestMs, sinceMs }: Election): string {
  return `1 ${latestMs} ${sinceMs} ${replica}`;
}

/** Undefined if the value is not an election, or has a later version. */
export function decodeElection(value: string): Election | undefined {
  const match = FORMAT.exec(value);
  if (match === null) return undefined;
  return { latestMs: Number(match[1]), sinceMs: Number(match[2]), replica: match[3] };
}
