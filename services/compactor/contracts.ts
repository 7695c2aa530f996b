/** What the compactor writes its log with; pino's shape. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A tenant as the compactor has to know it. */
export interface CompactorTenant {
  readonly id: string;
  /** How long samples are kept, ms; 0: for ever. */
  readonly retentionMs: number;
  /** When it was deleted (wall clock, ms); undefined while it isn't. */
  readonly deletedMs: number | undefined;
}
