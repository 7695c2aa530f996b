import { type LimitName, type Limits, limitsSchema } from './limits.ts';
import { type LimitOverrides, TenancyError } from './tenant.ts';

/** Limits, and what was left out of them. */
export interface ValidLimits {
  readonly limits: Limits;
  readonly faults: readonly string[];
}

/** The defaults with a tenant's overrides on top. Throws `TenancyError` `invalid` that names what is wrong. */
export function mergeLimits(defaults: Limits, overrides: LimitOverrides): Limits {
  const { limits, faults } = mergeValidLimits(defaults, overrides);
  if (faults.length > 0) throw new TenancyError('invalid', `limits: ${faults.join('; ')}`);
  return limits;
}

/** The same for overrides that another version may have stored: what isn't valid is left out and named. */
export function mergeValidLimits(defaults: Limits, overrides: LimitOverrides): ValidLimits {
  const limits: Record<string, unknown> = { ...defaults };
  const faults: string[] = [];
  for (const [name, value] of Object.entries(overrides)) {
    if (!Object.hasOwn(limitsSchema.shape, name)) {
      faults.push(`unknown limit ${name}`);
      continue;
    }
    const parsed = limitsSchema.shape[name as LimitName].safeParse(value);
    if (parsed.success) limits[name] = parsed.data;
    else faults.push(`${name}: ${parsed.error.issues.map(({ message }) => message).join(', ')}`);
  }
  return { limits: limits as Limits, faults };
}
