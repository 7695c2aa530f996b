import pino from 'pino';
import { RepeatedWarnings } from './repeated-warnings.ts';

export type Logger = pino.Logger;

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';

export interface LoggerOptions {
  /** Named in every line. */
  readonly service: string;
  readonly level: LogLevel;
  /** Where lines go; standard output, written at once, by default: threads of one process may share it. */
  readonly destination?: pino.DestinationStream;
  /** In ms, for warnings that repeat. */
  readonly clock?: () => number;
}

/** One JSON line an event; of warnings that repeat one a minute, see `RepeatedWarnings`. No token and no Authorization header gets past it, wherever in a line it stands. */
export function createLogger(options: LoggerOptions): Logger {
  const warnings = new RepeatedWarnings(options.clock ?? (() => performance.now()));
  return pino(
    {
      level: options.level,
      base: { service: options.service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      hooks: {
        streamWrite: withoutSecrets,
        logMethod(args, method, level) {
          const [fields, text] = args as [unknown, unknown];
          if (level !== WARN || !isFields(fields) || typeof text !== 'string')
            return method.apply(this, args);
          const repeats = warnings.repeats(text, fields['partition']);
          if (repeats === undefined) return;
          method.apply(this, [repeats === 0 ? fields : { ...fields, repeats }, text]);
        },
      },
    },
    options.destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

const WARN = pino.levels.values['warn'];

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !(value instanceof Error);
}

// In JSON, and in JSON within a JSON string: the quotes may have backslashes before them. Matches both the property
// of a headers object and the neighbours in a list of raw headers. Bounded, so that a line of backslashes costs no more.
const AUTHORIZATION =
  /(\\{0,9}"(?:(?:proxy-)?authorization|x-xscaler-secret)\\{0,9}"\s*[:,]\s*\[?\s*)(\\{0,9}")(?:(?!\2).)*/gi;
const BEARER = /\b(Bearer|Basic)\s+[^\s"\\,]+/gi;
const TOKEN = /xag_[A-Za-z0-9_-]*/g;

/** Redaction works on the finished line, so that no field, message or error text has to be thought of. */
export function withoutSecrets(line: string): string {
  return line
    .replace(AUTHORIZATION, '$1$2[redacted]')
    .replace(BEARER, '$1 [redacted]')
    .replace(TOKEN, 'xag_[redacted]');
}
