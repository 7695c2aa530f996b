import { z } from 'zod';
import type { $ZodType, $ZodTypes } from 'zod/v4/core';

/** How the text of a flag or variable becomes the value that the schema then judges. */
export type SettingKind = 'text' | 'number' | 'boolean' | 'list' | 'yaml';

/** One leaf of a configuration's schema, under all its names. */
export interface Setting {
  /** Keys from the root: `['limits', 'out_of_order_time_window']`. */
  readonly path: readonly string[];
  /** In YAML: `limits.out_of_order_time_window`. */
  readonly key: string;
  /** `--limits.out-of-order-time-window` */
  readonly flag: string;
  /** `XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW` */
  readonly variable: string;
  readonly kind: SettingKind;
  readonly description: string;
  /** As it would be written; undefined if there is none. */
  readonly byDefault: unknown;
  readonly secret: boolean;
}

/** Marks a setting as a secret: it is masked wherever the configuration is shown. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ ...schema.meta(), secret: true }) as Schema;
}

/**
 * Every setting of a schema, in its order.
 * @throws Error if two settings have the same flag or variable
 */
export function settingsOf(schema: z.ZodType): Setting[] {
  const settings: Setting[] = [];
  collect(schema, [], settings);
  const names = new Map<string, string>();
  for (const { key, flag, variable } of settings) {
    for (const name of [flag, variable]) {
      const other = names.get(name);
      if (other !== undefined) throw new Error(`${other} and ${key} would both be ${name}`);
      names.set(name, key);
    }
  }
  return settings;
}

function collect(schema: $ZodType, path: readonly string[], settings: Setting[]): void {
  const facts = unwrap(schema);
  const { def } = facts.core._zod;
  if (def.type === 'object') {
    for (const [key, field] of Object.entries(def.shape)) collect(field, [...path, key], settings);
    return;
  }
  const key = path.join('.');
  settings.push({
    path,
    key,
    flag: `--${key.replaceAll('_', '-')}`,
    variable: `XSCALER_${path.join('_').toUpperCase()}`,
    kind: kindOf(facts.core),
    description: facts.description,
    byDefault: facts.byDefault,
    secret: facts.secret,
  });
}

interface Facts {
  readonly core: $ZodTypes;
  readonly description: string;
  readonly byDefault: unknown;
  readonly secret: boolean;
}

/** Takes off defaults, optionals and transforms down to what is written; the outermost fact of a kind counts. */
function unwrap(schema: $ZodType): Facts {
  let description = '';
  let byDefault: unknown;
  let isSecret = false;
  let core = schema as $ZodTypes;
  for (;;) {
    const meta = z.globalRegistry.get(core);
    description ||= meta?.description ?? '';
    isSecret ||= meta?.['secret'] === true;
    const { def } = core._zod;
    switch (def.type) {
      case 'default':
      case 'prefault':
        byDefault ??= def.defaultValue;
        core = def.innerType as $ZodTypes;
        break;
      case 'optional':
      case 'nullable':
      case 'nonoptional':
      case 'readonly':
      case 'catch':
        core = def.innerType as $ZodTypes;
        break;
      case 'pipe':
        // What is written goes in first, unless the first half is a preprocessing function.
        core = ((def.in as $ZodTypes)._zod.def.type === 'transform' ? def.out : def.in) as $ZodTypes;
        break;
      default:
        return { core, description, byDefault, secret: isSecret };
    }
  }
}

function kindOf(core: $ZodTypes): SettingKind {
  const { def } = core._zod;
  switch (def.type) {
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'array':
      return 'list';
    case 'string':
    case 'enum':
    case 'literal':
    case 'template_literal':
      return 'text';
    case 'union':
      return def.options.some((option) => kindOf(unwrap(option).core) === 'text') ? 'text' : 'yaml';
    default:
      return 'yaml';
  }
}
