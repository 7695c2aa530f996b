import { DatabaseError } from '@xscaler/database';
import type { Logger } from '@xscaler/runtime';
import { untilThere } from './until-there.ts';

export interface UntilDatabase {
  /** Told why it waits; undefined once it goes on. */
  readonly waitsFor: (reason: string | undefined) => void;
  readonly logger: Pick<Logger, 'warn'>;
  readonly signal?: AbortSignal;
}

/**
 * Does what needs the database, again and again until the database does it: a start doesn't fail because of a database that is
 * slow, restarts or is full. Rejects with what waiting doesn't mend, or with the signal's reason.
 */
export async function untilDatabase<T>(attempt: () => Promise<T>, options: UntilDatabase): Promise<T> {
  const { waitsFor, logger, signal = new AbortController().signal } = options;
  const done = await untilThere(attempt, {
    mayPass: (error) => error instanceof DatabaseError && MAY_PASS.has(error.code),
    onAway: ({ message }) => {
      waitsFor(`the database is unreachable: ${message}`);
      logger.warn({ reason: message }, 'the database is unreachable; waiting for it');
    },
    signal,
  });
  waitsFor(undefined);
  return done;
}

const MAY_PASS: ReadonlySet<string> = new Set(['unavailable', 'disk_full']);
