import type { Prose } from './prose.ts';

/** A pattern that reads as translated, with what to write instead. */
export interface Rule {
  readonly pattern: RegExp;
  readonly advice: string;
}

/** Words after which "where" can only mean "if". */
const BEFORE_IF =
  "[Uu]ndefined|[Ff]alse|true|null|[Nn]one|[Nn]othing|[Oo]nly|[Ee]ven|also|[Aa]bsent|allocated|refused|invalid|conflict|unavailable|NaN|0|1|''|\\w*[Ee]rror|[Ff]ails?|[Rr]ejects?|@throws";

/**
 * The mechanical part of the rules in CONTRIBUTING.md. Each was written often in this repository; a rule is here only if
 * it is nearly always right.
 */
export const RULES: readonly Rule[] = [
  {
    pattern: new RegExp(
      `(?<![-\\w])(?:${BEFORE_IF})[\`,]?\\s+where\\b|\\bwhere\\s+(?:it|they|that|this|there|one)\\s+(?:is|are|was|were|has|have|does|do)(?:n't|n’t|\\s+(?:not|no|none|absent|missing|set|given|needed|wanted|empty)\\b)`,
      'g',
    ),
    advice: '"where" is for places: write "if" or "when"',
  },
  {
    pattern: /\b(?:is|are|was|were|be|been|being|stays?|stayed|goes|went|while)\s+away\b/gi,
    advice: 'write "unreachable", "unavailable" or "gone", not "away"',
  },
  { pattern: /\bat work\b/gi, advice: 'write "in flight" or "running", not "at work"' },
  {
    pattern: /\bso\s+(?:many|much|long|few)\b(?!\s+(?:that|as)\b)/gi,
    advice: 'write "this many", "this long" or the number, not "so many"',
  },
  {
    pattern: /\b(?:who|nobody|somebody|everybody|whoever)\s+(?:has|have|had)\s+(?:it|one)\b/gi,
    advice: 'name the thing or the verb, not "has it"',
  },
  { pattern: /\bhow-manieth\b/gi, advice: 'write "index" or "number"' },
  { pattern: /\bwhat there is\b/gi, advice: 'name what exists' },
  { pattern: /\bwho(?:so)?ever\b/gi, advice: 'name the caller or the reader, not "whoever"' },
  {
    pattern: /\bmay have\s+(?:\d|no more|up to|at most)/gi,
    advice: 'write "is limited to" or "has at most", not "may have"',
  },
  {
    pattern: /(?<!\bthere\s+)\b(?:is|are|was|were)\s+no\s+(?!longer\b|more\b|less\b)[a-z]+/gi,
    advice: 'negate the verb: "is not a …", "does not …"',
  },
  {
    pattern:
      /(?<!\bas\s+\w+\s+)\bas\s+(?:it|they)\s+(?:is|are|was|were)\b(?!\s+(?:now|here)\b|\s+[a-z]+(?:ed|ing|en|wn)\b|\s+(?:read|sent|kept|held|made|put|set|cut|told|built)\b)/gi,
    advice: 'write "unchanged" or "verbatim", not "as it is"',
  },
  {
    pattern: /(?<!\bonce )\b(?:is|are|was|were)\s+there\b(?=[.,;:)]|$)/gi,
    advice: 'write "exists" or "is present", not "is there"',
  },
  { pattern: /\bfor\s+want\s+of\b/gi, advice: 'write "because there is no"' },
  { pattern: /\bfor\s+(?:it|them)sel(?:f|ves)\b/gi, advice: 'cut "for itself"' },
  { pattern: /\bholds?\s+against\b/gi, advice: 'write "checks against"' },
  { pattern: /\bby and by\b/gi, advice: 'write "gradually"' },
  { pattern: /\b(?:thereof|whereof|therein|thereby|wherein)\b/gi, advice: 'write it in two sentences' },
  { pattern: /\bas\s+\w+\s+has\s+(?:it|them)\b/gi, advice: 'write "like …"' },
];

export interface EnglishFault {
  readonly line: number;
  /** The words that broke the rule. */
  readonly words: string;
  readonly advice: string;
}

/** Every place in a piece of text that breaks a rule, in order of the rules. */
export function englishFaults({ line, text }: Prose): EnglishFault[] {
  return RULES.flatMap(({ pattern, advice }) =>
    [...text.matchAll(pattern)].map((match) => ({
      line: line + text.slice(0, match.index).split('\n').length - 1,
      words: match[0].replace(/\s+/g, ' '),
      advice,
    })),
  );
}
