import { Matcher } from '@xscaler/model';
import { z } from 'zod';

/** What a rule does: Prometheus' actions ("Configuration", relabel_config), with their meaning there. */
const ACTIONS = [
  'replace',
  'keep',
  'drop',
  'keepequal',
  'dropequal',
  'hashmod',
  'labelmap',
  'labeldrop',
  'labelkeep',
  'lowercase',
  'uppercase',
] as const;

export type RelabelAction = (typeof ACTIONS)[number];

/** A rule by which labels are rewritten or a series is left out. The regex is anchored at both ends, and is RE2's. */
export interface RelabelConfig {
  readonly source_labels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus: number;
  readonly target_label: string;
  readonly replacement: string;
  readonly action: RelabelAction;
}

const DEFAULT_REGEX = '(.*)';
const DEFAULT_REPLACEMENT = '$1';
const DEFAULT_SEPARATOR = ';';

const MAX_RULES = 100;
const MAX_TEXT_LENGTH = 4096;

const text = z.string().max(MAX_TEXT_LENGTH);

const ruleSchema = z
  .strictObject({
    source_labels: z.array(text).max(64).default([]),
    separator: text.default(DEFAULT_SEPARATOR),
    regex: text.default(DEFAULT_REGEX),
    modulus: z.number().int().nonnegative().default(0),
    target_label: text.default(''),
    replacement: text.default(DEFAULT_REPLACEMENT),
    action: z.preprocess(
      (action) => (typeof action === 'string' ? action.toLowerCase() : action),
      z.enum(ACTIONS).default('replace'),
    ),
  })
  .superRefine((rule, context) => {
    const problem = ruleProblem(rule);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

const NEEDS_TARGET: ReadonlySet<RelabelAction> = new Set([
  'replace',
  'keepequal',
  'dropequal',
  'hashmod',
  'lowercase',
  'uppercase',
]);

/** The checks that Prometheus makes when it loads a rule. */
function ruleProblem(rule: RelabelConfig): string | undefined {
  const {
    action,
    regex,
    modulus,
    target_label: target,
    replacement,
    separator,
    source_labels: sources,
  } = rule;
  const regexProblem = problemOfRegex(regex);
  if (regexProblem !== undefined) return regexProblem;
  if (action === 'hashmod' && modulus === 0) return 'hashmod needs a modulus above 0';
  if (NEEDS_TARGET.has(action) && target === '') return `${action} needs a target_label`;
  const plainRegex = regex === DEFAULT_REGEX;
  const plainRest = modulus === 0 && replacement === DEFAULT_REPLACEMENT;
  if ((action === 'keepequal' || action === 'dropequal') && !(plainRegex && plainRest && separator === ';')) {
    return `${action} takes only source_labels and target_label`;
  }
  if (action === 'labeldrop' || action === 'labelkeep') {
    const plain = plainRest && separator === DEFAULT_SEPARATOR && sources.length === 0 && target === '';
    if (!plain) return `${action} takes only a regex`;
  }
  return undefined;
}

function problemOfRegex(regex: string): string | undefined {
  try {
    new Matcher('=~', 'regex', regex);
    return undefined;
  } catch (error) {
    return `regex: ${(error as Error).message}`;
  }
}

const rulesSchema = z.array(ruleSchema).max(MAX_RULES);

/** A list of rules, or its JSON as a text. */
export const relabelSetting = z
  .union([z.string(), z.array(z.unknown())])
  .default([])
  .transform((written, context): readonly RelabelConfig[] => {
    let rules: unknown = written;
    if (typeof written === 'string') {
      try {
        rules = written.trim() === '' ? [] : JSON.parse(written);
      } catch (error) {
        context.addIssue({
          code: 'custom',
          message: `not a list of rules in JSON: ${(error as Error).message}`,
        });
        return z.NEVER;
      }
    }
    const parsed = rulesSchema.safeParse(rules);
    if (parsed.success) return parsed.data;
    for (const { path, message } of parsed.error.issues) {
      const where = path.length === 0 ? '' : `rule ${path.map(String).join('.')}: `;
      context.addIssue({ code: 'custom', message: `${where}${message}` });
    }
    return z.NEVER;
  });
