/**
 * The patterns that need no regular-expression engine, which are nearly all that dashboards ask:
 *
 *     pattern     = alternative { "|" alternative } | [ literal ] "(" [ "?:" ] literal { "|" literal } ")" [ literal ]
 *     alternative = [ any ] literal [ any ]
 *     any         = ".*" | ".+"
 *     literal     = { character without a meaning | "\" ASCII punctuation }
 */
export interface PlainPattern {
  /** All values that match, if they can be told. */
  readonly literals: readonly string[] | undefined;
  /** Whether a value matches, whole. */
  readonly test: (value: string) => boolean;
}

/** How much of anything may stand before or behind a literal: at least this many characters, undefined: nothing. */
type Any = 0 | 1 | undefined;

interface Alternative {
  readonly before: Any;
  readonly literal: string;
  readonly after: Any;
}

/** A pattern taken apart; undefined if it needs an engine. */
export function plainPattern(pattern: string): PlainPattern | undefined {
  const grouped = groupedLiterals(pattern);
  if (grouped) return literalPattern(grouped);
  const pieces = splitAlternatives(pattern);
  const alternatives: Alternative[] = [];
  for (const piece of pieces) {
    const alternative = plainAlternative(piece);
    if (!alternative) return undefined;
    alternatives.push(alternative);
  }
  if (alternatives.every(({ before, after }) => before === undefined && after === undefined)) {
    return literalPattern(alternatives.map(({ literal }) => literal));
  }
  const tests = alternatives.map(testOf);
  const test = tests.length === 1 ? tests[0] : (value: string) => tests.some((one) => one(value));
  return { literals: undefined, test };
}

function literalPattern(literals: readonly string[]): PlainPattern {
  return { literals, test: (value) => literals.includes(value) };
}

const GROUP =
  /^((?:[^\\.+*?()|[\]{}^$]|\\.)*)\((?:\?:)?((?:[^\\.+*?()[\]{}^$]|\\.)*)\)((?:[^\\.+*?()|[\]{}^$]|\\.)*)$/su;

/** `10\.0\.0\.(1|2):80` written out. */
function groupedLiterals(pattern: string): string[] | undefined {
  const match = GROUP.exec(pattern);
  if (!match) return undefined;
  const before = unescapeLiteral(match[1]);
  const after = unescapeLiteral(match[3]);
  if (before === undefined || after === undefined) return undefined;
  const literals: string[] = [];
  for (const piece of splitAlternatives(match[2])) {
    const literal = unescapeLiteral(piece);
    if (literal === undefined) return undefined;
    literals.push(before + literal + after);
  }
  return literals;
}

/** Splits at every `|` that is not escaped. */
function splitAlternatives(pattern: string): string[] {
  const pieces: string[] = [];
  let start = 0;
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i] === '\\') i++;
    else if (pattern[i] === '|') {
      pieces.push(pattern.slice(start, i));
      start = i + 1;
    }
  }
  pieces.push(pattern.slice(start));
  return pieces;
}

const ANY = /^(\.[*+])?((?:[^\\.+*?()|[\]{}^$]|\\.)*)(\.[*+])?$/su;

function plainAlternative(piece: string): Alternative | undefined {
  const match = ANY.exec(piece);
  if (!match) return undefined;
  const literal = unescapeLiteral(match[2]);
  if (literal === undefined) return undefined;
  const before = anyOf(match[1]);
  const after = anyOf(match[3]);
  // `.+.+` counts characters, of which an emoji is one and in UTF-16 two.
  return literal === '' && before === 1 && after === 1 ? undefined : { before, literal, after };
}

function anyOf(text: string | undefined): Any {
  if (text === undefined) return undefined;
  return text === '.+' ? 1 : 0;
}

/** A literal's value; undefined if a backslash stands before anything but punctuation. */
function unescapeLiteral(text: string): string | undefined {
  if (/\\[^!-/:-@[-`{-~ ]/su.test(text)) return undefined;
  return text.replaceAll(/\\(.)/gsu, '$1');
}

function testOf({ before, literal, after }: Alternative): (value: string) => boolean {
  if (before === undefined) {
    if (after === undefined) return (value) => value === literal;
    const least = literal.length + after;
    return (value) => value.length >= least && value.startsWith(literal);
  }
  if (after === undefined) {
    const least = literal.length + before;
    return (value) => value.length >= least && value.endsWith(literal);
  }
  return (value) => {
    // The leftmost place leaves the most behind it.
    const at = value.indexOf(literal, before);
    return at >= before && at + literal.length + after <= value.length;
  };
}
