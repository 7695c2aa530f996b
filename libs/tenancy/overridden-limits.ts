import type { Limits } from './limits.ts';
import type { LimitOverrides } from './tenant.ts';
import type { ValidLimits } from './tenant-limits.ts';

/**
 * `mergeValidLimits`, loaded only if there are overrides to merge: the validation schema takes 5 MB in every thread that
 * loads it.
 */
export async function overriddenLimits(defaults: Limits, overrides: LimitOverrides): Promise<ValidLimits> {
  if (Object.keys(overrides).length === 0) return { limits: defaults, faults: [] };
  const { mergeValidLimits } = await import('./tenant-limits.ts');
  return mergeValidLimits(defaults, overrides);
}
