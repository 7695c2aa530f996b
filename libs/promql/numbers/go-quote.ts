/** Text in double quotes, escaped as Go's `strconv.Quote` does. */
export function quoteText(text: string): string {
  let out = '"';
  for (const character of text) out += escaped(character, '"');
  return `${out}"`;
}

/** One character in single quotes, as Go's `%q` prints a rune; undefined (end of input) is U+FFFD. */
export function quoteCharacter(character: string | undefined): string {
  return `'${escaped(character ?? '\ufffd', "'")}'`;
}

const SHORT: Record<string, string> = {
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const UNPRINTABLE = /[\p{C}\p{Z}]/u;

/** Go's `strconv.IsPrint`. */
export function isPrintable(character: string): boolean {
  return character === ' ' || !UNPRINTABLE.test(character);
}

function escaped(character: string, quote: string): string {
  if (character === quote) return `\\${quote}`;
  const short = SHORT[character];
  if (short !== undefined) return short;
  if (isPrintable(character)) return character;
  const code = character.codePointAt(0) as number;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, '0')}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, '0')}`;
  return `\\U${code.toString(16).padStart(8, '0')}`;
}

const ESCAPES: Record<string, number> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11 };

/**
 * What a quoted string of the language stands for: backquotes are raw, the others know Go's escapes.
 * The lexer has checked it. Escapes may spell single bytes, so the text is put together as UTF-8.
 */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal[0] === '`') return body;
  if (!body.includes('\\')) return body;
  const parts: Buffer[] = [];
  let i = 0;
  while (i < body.length) {
    const slash = body.indexOf('\\', i);
    if (slash < 0) break;
    parts.push(Buffer.from(body.slice(i, slash)));
    const kind = body[slash + 1];
    const digits = escapeDigits(kind);
    if (digits === 0) {
      parts.push(Buffer.from([ESCAPES[kind] ?? kind.charCodeAt(0)]));
      i = slash + 2;
      continue;
    }
    const octal = kind >= '0' && kind <= '7';
    const from = octal ? slash + 1 : slash + 2;
    const code = Number.parseInt(body.slice(from, from + digits), octal ? 8 : 16);
    const isByte = octal || kind === 'x';
    parts.push(isByte ? Buffer.from([code]) : Buffer.from(String.fromCodePoint(code)));
    i = from + digits;
  }
  parts.push(Buffer.from(body.slice(i)));
  return Buffer.concat(parts).toString('utf8');
}

/** How many digits follow the letter of an escape; 0 for the one-letter ones. */
export function escapeDigits(kind: string): number {
  if (kind >= '0' && kind <= '7') return 3;
  return { x: 2, u: 4, U: 8 }[kind] ?? 0;
}
