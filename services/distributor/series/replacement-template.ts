import type { RE2JS } from 're2js';

type Part = { readonly text: string } | { readonly group: number };

/** A match as a template sees it: the text of a group (0: the whole match), null if the group took no part. */
export interface MatchedGroups {
  group(group: number): string | null;
}

/**
 * A text with references to the groups of a regex, as Go's `regexp.Expand` has them: `$1`, `$name`, `${1}`, `${name}`, and `$$`
 * for a dollar sign. A name is the longest run of letters, digits and underscores, so that `$1x` is the group named `1x`. A
 * missing group is empty; any other dollar sign is kept.
 */
export class ReplacementTemplate {
  readonly #parts: readonly Part[];

  constructor(template: string, regex: RE2JS) {
    const parts: Part[] = [];
    const names: Readonly<Record<string, number>> = regex.namedGroups();
    let from = 0;
    for (const match of template.matchAll(/\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu)) {
      if (match.index > from) parts.push({ text: template.slice(from, match.index) });
      const name = match[1] ?? match[2];
      const group = name === undefined ? undefined : groupNumber(name, names);
      if (name === undefined) parts.push({ text: '$' });
      else if (group !== undefined && group <= regex.groupCount()) parts.push({ group });
      from = match.index + match[0].length;
    }
    if (from < template.length) parts.push({ text: template.slice(from) });
    this.#parts = parts;
  }

  expand(match: MatchedGroups): string {
    let text = '';
    for (const part of this.#parts) text += 'text' in part ? part.text : (match.group(part.group) ?? '');
    return text;
  }
}

function groupNumber(name: string, names: Readonly<Record<string, number>>): number | undefined {
  if (/^(0|[1-9]\d{0,7})$/.test(name)) return Number(name);
  return Object.hasOwn(names, name) ? names[name] : undefined;
}
