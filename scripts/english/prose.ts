/** A piece of text that people read: a comment, a string, a paragraph of Markdown. */
export interface Prose {
  /** The line where it begins, counted from 1. */
  readonly line: number;
  /** Its line breaks are kept, so that a position in it tells a line. */
  readonly text: string;
}

/** After these a `/` begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|do|else|yield|await))\s*$/;
const TOKEN = /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`|\/(?![/*])|[{}]/g;
const REGEX = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/y;
const TEMPLATE_TEXT = /(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/y;

/**
 * Comments and strings of TypeScript or JavaScript, in order. What a template inserts is `{…}` in its text. Module
 * names after `from` and `import` are left out.
 */
export function proseOfCode(source: string): Prose[] {
  const pieces: (Prose & { readonly start: number })[] = [];
  /** One entry for each template that is open: the depth of braces of its `${`, and the text so far. */
  const templates: { depth: number; start: number; text: string }[] = [];
  let depth = 0;

  const add = (start: number, text: string) => pieces.push({ line: lineAt(source, start), text, start });
  /** Reads a template's text from `at`; the index after it. */
  const readTemplate = (at: number): number => {
    const open = templates[templates.length - 1];
    TEMPLATE_TEXT.lastIndex = at;
    open.text += TEMPLATE_TEXT.exec(source)![0];
    const end = TEMPLATE_TEXT.lastIndex;
    if (source[end] === '$') {
      open.text += '{…}';
      open.depth = depth++;
      return end + 2;
    }
    templates.pop();
    add(open.start, open.text);
    return end + 1;
  };

  let at = 0;
  for (;;) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(source);
    if (!match) break;
    const [token] = match;
    at = match.index + token.length;
    if (token === '{') depth++;
    else if (token === '}') {
      depth--;
      if (templates.length > 0 && templates[templates.length - 1].depth === depth) at = readTemplate(at);
    } else if (token === '`') {
      templates.push({ depth: -1, start: match.index, text: '' });
      at = readTemplate(at);
    } else if (token === '/') at = endOfSlash(source, match.index);
    else if (token.startsWith('/')) add(match.index, commentText(token));
    else if (!isModuleName(source, match.index)) add(match.index, token.slice(1, -1));
  }
  pieces.sort((one, other) => one.start - other.start);
  return pieces.map(({ line, text }) => ({ line, text }));
}

const FENCE = /^ *(```|~~~)/;

/** Paragraphs, list items and table rows of Markdown, without its code, quotations and struck-out words. */
export function proseOfMarkdown(source: string): Prose[] {
  let isCode = false;
  const lines = source.split('\n').map((line) => {
    const isFence = FENCE.test(line);
    if (isFence) isCode = !isCode;
    return isCode || isFence || /^ {4}\S/.test(line)
      ? ''
      : line.replace(/`[^`]*`/g, '`…`').replace(/~~.*?~~|"[^"]*"/g, '…');
  });
  return [{ line: 1, text: lines.join('\n') }];
}

function endOfSlash(source: string, at: number): number {
  if (!BEFORE_REGEX.test(source.slice(Math.max(0, at - 40), at))) return at + 1;
  REGEX.lastIndex = at;
  return REGEX.test(source) ? REGEX.lastIndex : at + 1;
}

function isModuleName(source: string, at: number): boolean {
  return /\b(?:from|import|import\()\s*$/.test(source.slice(Math.max(0, at - 12), at));
}

function commentText(comment: string): string {
  if (comment.startsWith('//')) return comment.slice(2).trim();
  return comment
    .slice(2, -2)
    .replace(/\n[ \t]*\*?[ \t]?/g, '\n')
    .replace(/^\*/, '');
}

function lineAt(source: string, index: number): number {
  let line = 1;
  for (let at = source.indexOf('\n'); at !== -1 && at < index; at = source.indexOf('\n', at + 1)) line++;
  return line;
}
