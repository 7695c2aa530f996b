import type { FunctionName } from '../../syntax/signatures.ts';

/** Functions of a time: seconds since the epoch, in UTC. */
export type DateName = Extract<
  FunctionName,
  'day_of_month' | 'day_of_week' | 'day_of_year' | 'days_in_month' | 'hour' | 'minute' | 'month' | 'year'
>;

/** A moment in the proleptic Gregorian calendar, UTC. */
interface Moment {
  readonly year: number;
  /** From 1. */
  readonly month: number;
  readonly dayOfMonth: number;
  readonly dayOfYear: number;
  /** From Sunday, 0. */
  readonly dayOfWeek: number;
  readonly hour: number;
  readonly minute: number;
}

const functions: Record<DateName, (moment: Moment) => number> = {
  day_of_month: (moment) => moment.dayOfMonth,
  day_of_week: (moment) => moment.dayOfWeek,
  day_of_year: (moment) => moment.dayOfYear,
  days_in_month: (moment) => daysInMonth(moment.year, moment.month),
  hour: (moment) => moment.hour,
  minute: (moment) => moment.minute,
  month: (moment) => moment.month,
  year: (moment) => moment.year,
};

/** What Prometheus makes of NaN and of times beyond 64-bit seconds: the lowest such number, wrapped around. */
const BEYOND: Moment = {
  year: 292_277_026_596,
  month: 12,
  dayOfMonth: 4,
  dayOfYear: 339,
  dayOfWeek: 0,
  hour: 15,
  minute: 30,
};

/** The date function of that name, of seconds since the epoch. */
export function dateFunction(name: FunctionName): ((seconds: number) => number) | undefined {
  const fn = (functions as Partial<Record<FunctionName, (moment: Moment) => number>>)[name];
  return fn && ((seconds) => fn(momentOf(seconds)));
}

const DAY_SECONDS = 86_400;
/** Days from 0000-03-01 to 1970-01-01. */
const EPOCH_DAYS = 719_468;
/** Days in 400 years, after which the calendar repeats. */
const ERA_DAYS = 146_097;

/**
 * Years are counted from March on, so that a leap day is the last of its year (Howard Hinnant,
 * "chrono-compatible low-level date algorithms").
 */
function momentOf(seconds: number): Moment {
  if (!(Math.abs(seconds) < 2 ** 63)) return BEYOND;
  const whole = Math.trunc(seconds);
  const days = Math.floor(whole / DAY_SECONDS);
  const secondOfDay = whole - days * DAY_SECONDS;
  const shifted = days + EPOCH_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / (ERA_DAYS - 1))) /
      365,
  );
  const dayFromMarch = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayFromMarch + 2) / 153);
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const dayOfMonth = dayFromMarch - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  return {
    year,
    month,
    dayOfMonth,
    dayOfYear: dayOfMonth + daysBefore(year, month),
    dayOfWeek: (((days + 4) % 7) + 7) % 7,
    hour: Math.floor(secondOfDay / 3600),
    minute: Math.floor((secondOfDay % 3600) / 60),
  };
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return isLeapYear(year) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function daysBefore(year: number, month: number): number {
  let days = 0;
  for (let earlier = 1; earlier < month; earlier++) days += daysInMonth(year, earlier);
  return days;
}

function isLeapYear(year: number): boolean {
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
}
