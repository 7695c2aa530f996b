import { parseArgs } from 'node:util';

/** Takes a command's own flags (`--name value` or `--name=value`) out of its arguments; the rest is configuration. */
export function takeFlags<Name extends string>(
  argv: readonly string[],
  names: readonly Name[],
): { own: Partial<Record<Name, string>>; rest: string[] } {
  const { tokens } = parseArgs({ args: [...argv], strict: false, tokens: true });
  const own: Partial<Record<Name, string>> = {};
  const taken = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== 'option' || !names.includes(token.name as Name)) continue;
    taken.add(token.index);
    if (!token.inlineValue) taken.add(token.index + 1);
    own[token.name as Name] = (token.inlineValue ? token.value : argv[token.index + 1]) ?? '';
  }
  return { own, rest: argv.filter((_, index) => !taken.has(index)) };
}
