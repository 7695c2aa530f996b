/** One module that a source file names. */
export interface Import {
  readonly specifier: string;
  /** Counted from 1: the line that has the specifier. */
  readonly line: number;
  /** `type` is erased before the program runs; `deferred` is a call or a thread's file, not loaded with this one. */
  readonly kind: 'value' | 'type' | 'deferred';
}

const STATIC = /^(?:import|export)\s+(type\s)?(?:[\w*{][^;'"]*?\sfrom\s+)?'([^'\n]+)'/gm;
const DYNAMIC = /\b(?:import|require|require\.resolve|import\.meta\.resolve)\(\s*'([^'\n]+)'/g;
/** A worker's own file, `new URL('./worker.ts', import.meta.url)`. */
const BESIDE = /\bnew URL\(\s*'(\.[^'\n]*\.ts)',\s*import\.meta\.url/g;

/** The modules that a source file names, in order. Comments are skipped. */
export function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  const found: (Import & { readonly index: number })[] = [];
  const add = (match: RegExpExecArray, specifier: string, kind: Import['kind']) => {
    const index = match.index + match[0].lastIndexOf(specifier);
    found.push({ specifier, line: lineOf(code, index), kind, index });
  };
  for (const match of code.matchAll(STATIC)) add(match, match[2], match[1] ? 'type' : 'value');
  for (const pattern of [DYNAMIC, BESIDE])
    for (const match of code.matchAll(pattern)) add(match, match[1], 'deferred');
  found.sort((one, other) => one.index - other.index);
  return found.map(({ specifier, line, kind }) => ({ specifier, line, kind }));
}

/**
 * The source with its comments blanked out, so that lines keep their numbers. It reads lines, not syntax: the
 * formatter puts a block comment on lines of its own.
 */
export function withoutComments(source: string): string {
  let isInside = false;
  return source
    .split('\n')
    .map((text) => {
      const trimmed = text.trimStart();
      if (!isInside && trimmed.startsWith('/*')) isInside = true;
      const isComment = isInside || trimmed.startsWith('//');
      if (isInside && text.includes('*/')) isInside = false;
      return isComment ? '' : text.replace(/\s\/\/ .*$/, '');
    })
    .join('\n');
}

/** Whether a source does nothing but pass on what other files export. */
export function onlyReexports(source: string): boolean {
  return (
    withoutComments(source)
      .replace(/^export\s+(?:type\s)?[*{][^;'"]*?from\s+'[^'\n]+';$/gm, '')
      .trim() === ''
  );
}

function lineOf(code: string, index: number): number {
  let line = 1;
  for (let at = code.indexOf('\n'); at !== -1 && at < index; at = code.indexOf('\n', at + 1)) line++;
  return line;
}
