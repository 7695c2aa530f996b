/** Times of a query that its expressions may refer to, ms; an instant query has step 0. */
export interface QueryTimes {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** When a selector or subquery looks, with all expressions in it worked out. */
export interface ResolvedTime {
  readonly offsetMs: number;
  /** The time that `@` fixes, or undefined. */
  readonly atMs: number | undefined;
  /** Length of the range; 0 for an instant selector. */
  readonly rangeMs: number;
  /** Resolution of a subquery; 0 otherwise. */
  readonly stepMs: number;
}
