/** A tenant as the compactor has to know it. */
export interface CompactorTenant {
  readonly id: string;
  /** How long samples are kept, ms; 0: for ever. */
  readonly retentionMs: number;
  /** When it was deleted (wall clock, ms); undefined while it isn't. */
  readonly deletedMs: number | undefined;
}
