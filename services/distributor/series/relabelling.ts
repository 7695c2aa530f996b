import { createHash } from 'node:crypto';
import { matchSteps, patternStates } from '@xscaler/model';
import type { RelabelAction, RelabelConfig } from '@xscaler/tenancy';
import { RE2JS } from 're2js';
import { ReplacementTemplate } from './replacement-template.ts';

/** Labels under the rules' hands: a name that isn't there is the empty text, and one set to it is gone. */
type LabelMap = Map<string, string>;

/** Does a rule's work on labels; false if the series is to be left out. */
type Rule = (labels: LabelMap) => boolean;

/** A rule would take long with a text. It can't be interrupted, and a distributor has one thread for all tenants' writes. */
export class TextTooLongError extends Error {
  override readonly name = 'TextTooLongError';
}

/** Answers of a rule that are remembered, each for a text of up to this many characters. */
const MEMO_ENTRIES = 1_000;
const MEMO_TEXT_LENGTH = 256;

/** States × characters of one match: a tenth of a second. A pattern of 512 states may be matched with a value of 2,048 characters. */
const MAX_RULE_STEPS = 2 ** 20;
/** Characters of a pattern that a refusal shows. */
const SHOWN_LENGTH = 100;

/**
 * Rules that rewrite a series' labels, as Prometheus' relabel_config does (documentation, "Configuration", relabel_config).
 * They run only for series not seen before; a rule's result for a text is remembered, since most labels of new
 * series are old ones.
 */
export class Relabelling {
  readonly #rules: readonly Rule[];

  constructor(configs: readonly RelabelConfig[]) {
    this.#rules = configs.map((config) => RULES[config.action](config));
  }

  /** False if the series is to be left out. @throws TextTooLongError */
  apply(labels: LabelMap): boolean {
    return this.#rules.every((rule) => rule(labels));
  }
}

const RULES: Readonly<Record<RelabelAction, (config: RelabelConfig) => Rule>> = {
  replace: (config) => {
    const regex = regexOf(config);
    const target = new ReplacementTemplate(config.target_label, regex);
    const replacement = new ReplacementTemplate(config.replacement, regex);
    const rewritten = remembered(config, (source) => {
      const match = regex.matcher(source);
      return match.find() ? [target.expand(match), replacement.expand(match)] : undefined;
    });
    return (labels) => {
      const [name, value] = rewritten(sourceOf(config, labels)) ?? [''];
      if (name !== '') set(labels, name, value);
      return true;
    };
  },
  keep: (config) => {
    const matches = matcherOf(config);
    return (labels) => matches(sourceOf(config, labels));
  },
  drop: (config) => {
    const matches = matcherOf(config);
    return (labels) => !matches(sourceOf(config, labels));
  },
  keepequal: (config) => (labels) => sourceOf(config, labels) === (labels.get(config.target_label) ?? ''),
  dropequal: (config) => (labels) => sourceOf(config, labels) !== (labels.get(config.target_label) ?? ''),
  hashmod: (config) => (labels) => {
    const digest = createHash('md5').update(sourceOf(config, labels)).digest();
    const remainder = digest.readBigUInt64BE(8) % BigInt(config.modulus);
    return set(labels, config.target_label, String(remainder));
  },
  lowercase: (config) => (labels) => set(labels, config.target_label, sourceOf(config, labels).toLowerCase()),
  uppercase: (config) => (labels) => set(labels, config.target_label, sourceOf(config, labels).toUpperCase()),
  labelmap: (config) => {
    const regex = regexOf(config);
    const replacement = new ReplacementTemplate(config.replacement, regex);
    const renamed = remembered(config, (name) => {
      const match = regex.matcher(name);
      return match.find() ? replacement.expand(match) : undefined;
    });
    return (labels) => {
      for (const [name, value] of [...labels]) {
        const copy = renamed(name) ?? '';
        if (copy !== '') set(labels, copy, value);
      }
      return true;
    };
  },
  labeldrop: (config) => namesRule(config, false),
  labelkeep: (config) => namesRule(config, true),
};

/** Deletes the labels whose name doesn't match, or does. */
function namesRule(config: RelabelConfig, kept: boolean): Rule {
  const matches = matcherOf(config);
  return (labels) => {
    for (const name of [...labels.keys()]) if (matches(name) !== kept) labels.delete(name);
    return true;
  };
}

function sourceOf({ source_labels: names, separator }: RelabelConfig, labels: LabelMap): string {
  return names.map((name) => labels.get(name) ?? '').join(separator);
}

function set(labels: LabelMap, name: string, value: string | undefined): true {
  if (value === undefined || value === '') labels.delete(name);
  else labels.set(name, value);
  return true;
}

function regexOf({ regex }: RelabelConfig): RE2JS {
  return RE2JS.compile(`^(?s:${regex})$`);
}

function matcherOf(config: RelabelConfig): (text: string) => boolean {
  const regex = regexOf(config);
  return remembered(config, (text) => regex.matcher(text).find());
}

/** `answer`, which matches the rule's pattern, with its latest answers in memory. @throws TextTooLongError */
function remembered<T>({ regex }: RelabelConfig, answer: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  const states = patternStates(regex);
  return (text) => {
    if (matchSteps(states, text.length) > MAX_RULE_STEPS) {
      const shown = regex.slice(0, SHOWN_LENGTH);
      throw new TextTooLongError(`${text.length} characters for the relabelling rule ${shown}`);
    }
    if (text.length > MEMO_TEXT_LENGTH) return answer(text);
    let found = known.get(text);
    if (found === undefined && !known.has(text)) {
      found = answer(text);
      if (known.size >= MEMO_ENTRIES) known.clear();
      known.set(text, found);
    }
    return found as T;
  };
}
