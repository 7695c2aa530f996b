export { type LimitName, type Limits, limitsSchema, parseDurationMs } from './limits.ts';
