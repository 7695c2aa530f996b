import type { Reason } from '../outcome/refusals.ts';
import type { Fact } from './fact-table.ts';

/** A series is not stored. */
export class Refusal {
  readonly isRefused = true;
  readonly reason: Reason;
  /** For the sender: numbers and names; empty if the reason says it all. */
  readonly detail: string;

  constructor(reason: Reason, detail = '') {
    this.reason = reason;
    this.detail = detail;
  }
}

/** The decision about a series: its fact if it is stored, or a refusal. */
export type Verdict = Fact | Refusal;

export const DROPPED_BY_RELABELLING = new Refusal('dropped_by_relabelling');
