import { escapeDigits, isPrintable } from '../numbers/go-quote.ts';

/** Where a quoted string that begins at `from` ends, or what is wrong with it, as Prometheus words it. */
export function scanString(text: string, from: number): number | string {
  const quote = text[from];
  const raw = quote === '`';
  let i = from + 1;
  for (;;) {
    const character = text[i];
    if (character === undefined || (!raw && character === '\n')) {
      return raw ? 'unterminated raw string' : 'unterminated quoted string';
    }
    // What Go decodes invalid UTF-8 to; written as itself it is refused all the same.
    if (character === '\ufffd') return 'invalid UTF-8 rune';
    i++;
    if (character === quote) return i;
    if (character !== '\\' || raw) continue;
    const end = scanEscape(text, i, quote);
    if (typeof end === 'string') return end;
    i = end;
  }
}

/** Checks the escape whose letter is at `at`; gives the place behind it, or what is wrong. */
function scanEscape(text: string, at: number, quote: string): number | string {
  const kind = characterAt(text, at);
  if (kind === undefined) return 'escape sequence not terminated';
  if ('abfnrtv\\'.includes(kind) || kind === quote) return at + 1;
  const digits = escapeDigits(kind);
  if (digits === 0) return `unknown escape sequence ${unicodeName(kind)}`;
  const octal = kind >= '0' && kind <= '7';
  const from = octal ? at : at + 1;
  for (let k = from; k < from + digits; k++) {
    const digit = characterAt(text, k);
    if (digit === undefined) return 'escape sequence not terminated';
    if (!(octal ? /[0-7]/ : /[0-9a-fA-F]/).test(digit)) {
      return `illegal character ${unicodeName(digit)} in escape sequence`;
    }
  }
  const code = Number.parseInt(text.slice(from, from + digits), octal ? 8 : 16);
  const limit = octal || kind === 'x' ? 255 : 0x10ffff;
  if (code > limit || (code >= 0xd800 && code < 0xe000)) {
    return 'escape sequence is an invalid Unicode code point';
  }
  return from + digits;
}

/** The whole character at an offset, both halves of a surrogate pair; undefined behind the end. */
export function characterAt(text: string, at: number): string | undefined {
  const code = text.codePointAt(at);
  return code === undefined ? undefined : String.fromCodePoint(code);
}

/** A character as Go's `%#U`: `U+0071 'q'`. */
function unicodeName(character: string): string {
  const code = (character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, '0');
  return isPrintable(character) ? `U+${code} '${character}'` : `U+${code}`;
}
