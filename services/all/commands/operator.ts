import type { Actor } from '@xscaler/tenancy';

/** Who the audit log names for what is done by command. */
export const OPERATOR: Actor = { who: process.env['USER'] ?? 'operator', from: 'cli' };
