import type { WireError } from '../rpc-error.ts';

/*
 * What travels on a port. Arrays, because structured clone writes out the property names of every object.
 *
 *   caller → callee                                   callee → caller
 *     CALL    id method request                         VALUE  id value      the reply, or a stream's next value
 *     OPEN    id method request credits                 END    id            a stream is over
 *     CANCEL  id                                        FAULT  id error      the call or stream failed
 *     CREDIT  id count
 *
 * Every CALL is answered by one VALUE or FAULT, every OPEN by one END or FAULT after its VALUEs, cancelled or
 * not: until then the id is taken. A callee sends at most as many VALUEs of a stream as it was given credits.
 */
export const CALL = 0;
export const OPEN = 1;
export const CANCEL = 2;
export const CREDIT = 3;

export const VALUE = 0;
export const END = 1;
export const FAULT = 2;

export type CallerMessage =
  | readonly [kind: typeof CALL, id: number, method: string, request: unknown]
  | readonly [kind: typeof OPEN, id: number, method: string, request: unknown, credits: number]
  | readonly [kind: typeof CANCEL, id: number]
  | readonly [kind: typeof CREDIT, id: number, count: number];

export type CalleeMessage =
  | readonly [kind: typeof VALUE, id: number, value: unknown]
  | readonly [kind: typeof END, id: number]
  | readonly [kind: typeof FAULT, id: number, error: WireError];
