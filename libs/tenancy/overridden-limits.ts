import type { Limits } from './limits.ts';
import type { LimitOverrides } from './tenant.ts';
import type { ValidLimits } from './tenant-limits.ts';

/**
 * `mergeValidLimits`, loaded if there is something to merge: the schema that says what is valid takes 5 MB of every
 * thread that has it.
 */
export async function overriddenLimits(defaults: Limits, overrides: LimitOverrides): Promise<ValidLimits> {
  if (Object.keys(overrides).length === 0) return { limits: defaults, faults: [] };
  const { mergeValidLimits } = await import('./tenant-limits.ts');
  return mergeValidLimits(defaults, overrides);
}
