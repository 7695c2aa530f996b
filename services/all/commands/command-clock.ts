import { ClockWatch, MACHINE_CLOCK, type OwnClock } from '@xscaler/cluster';
import { type Database, databaseTimeMs } from '@xscaler/database';

const SILENT = { info: () => {}, warn: () => {} };

/**
 * Why a command must not change anything: it writes down when it was run, services go by that, and its clock is not
 * PostgreSQL's. Undefined if it is, and on one machine, which has one clock. @throws DatabaseError
 */
export async function commandClockFault(
  db: Database,
  maxSkewMs: number,
  own: OwnClock = MACHINE_CLOCK,
): Promise<string | undefined> {
  if (db.dialect === 'sqlite') return undefined;
  const witnesses = [{ name: 'postgresql', read: () => databaseTimeMs(db) }];
  const watch = new ClockWatch({ witnesses, own, maxSkewMs, logger: SILENT });
  await watch.compare();
  return watch.clock.fault();
}
