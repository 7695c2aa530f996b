import type { FunctionName } from '../signatures.ts';

/** Functions of a time: seconds since the epoch, in UTC. */
export type DateName = Extract<
  FunctionName,
  'day_of_month' | 'day_of_week' | 'day_of_year' | 'days_in_month' | 'hour' | 'minute' | 'month' | 'year'
>;

const DAY_MS = 86_400_000;

const functions: Record<DateName, (date: Date) => number> = {
  day_of_month: (date) => date.getUTCDate(),
  day_of_week: (date) => date.getUTCDay(),
  day_of_year: dayOfYear,
  days_in_month: (date) => new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  hour: (date) => date.getUTCHours(),
  minute: (date) => date.getUTCMinutes(),
  month: (date) => date.getUTCMonth() + 1,
  year: (date) => date.getUTCFullYear(),
};

function dayOfYear(date: Date): number {
  const firstMs = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - firstMs) / DAY_MS) + 1;
}

/** The date function of that name, of seconds since the epoch. */
export function dateFunction(name: FunctionName): ((seconds: number) => number) | undefined {
  const fn = (functions as Partial<Record<FunctionName, (date: Date) => number>>)[name];
  return fn && ((seconds) => fn(new Date(Math.trunc(seconds) * 1000)));
}
