/** What appending did with a sample: stored it … */
export const APPEND_STORED = 0;
/** … or found its timestamp there with the same 64 value bits … */
export const APPEND_DUPLICATE = 1;
/** … or with another value; the first one stands. */
export const APPEND_CONFLICT = 2;

export type AppendOutcome = 0 | 1 | 2;
