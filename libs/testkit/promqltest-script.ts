import { parseTimeMs } from './promqltest-duration.ts';
import { type HistogramStep, parseSeriesLine, type SeriesLine } from './promqltest-series.ts';

/** What a case expects beside its values. */
export interface Expectations {
  ordered: boolean;
  fail: TextExpectation | undefined;
  /** Expected annotations of each kind; `'none'`: there must be none. */
  warn: TextExpectation[] | 'none';
  info: TextExpectation[] | 'none';
  text: string | undefined;
  /** Times of the points of an expected range vector. */
  rangeVector: { startMs: number; stepMs: number } | undefined;
}

/** A text that must be there: any, an exact one, or one that a pattern finds. */
export type TextExpectation =
  | { readonly kind: 'any' }
  | { readonly kind: 'exact' | 'regex'; readonly text: string };

export interface EvalCase {
  readonly kind: 'eval';
  /** `file:line`. */
  readonly name: string;
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for an instant query. */
  readonly stepMs: number;
  readonly expect: Expectations;
  /** Expected series in order; a scalar has one without labels. */
  readonly series: readonly SeriesLine[];
  readonly scalar: number | undefined;
}

export type Command =
  | { readonly kind: 'clear' }
  | {
      readonly kind: 'load';
      readonly stepMs: number;
      readonly nhcb: boolean;
      readonly series: readonly SeriesLine[];
    }
  | EvalCase;

/** Reads a whole script of Prometheus' test language. @throws Error that names the line */
export function parseScript(file: string, text: string, step: HistogramStep): Command[] {
  const lines = text.split('\n');
  const commands: Command[] = [];
  let i = 0;
  while (i < lines.length) {
    const line = stripComment(lines[i]);
    if (line.trim() === '') {
      i++;
      continue;
    }
    const block: string[] = [];
    let next = i + 1;
    for (; next < lines.length; next++) {
      const inner = lines[next];
      if (!/^\s/.test(inner) || inner.trim() === '') {
        if (inner.trim() === '' || inner.startsWith('#')) {
          if (inner.startsWith('#')) continue;
        }
        break;
      }
      if (!inner.trim().startsWith('#')) block.push(inner);
    }
    try {
      commands.push(parseCommand(`${file}:${i + 1}`, line.trim(), block, step));
    } catch (error) {
      throw new Error(`${file}:${i + 1}: ${(error as Error).message}`);
    }
    i = next;
  }
  return commands;
}

function stripComment(line: string): string {
  return line.trimStart().startsWith('#') ? '' : line;
}

function parseCommand(name: string, head: string, block: readonly string[], step: HistogramStep): Command {
  if (head === 'clear') return { kind: 'clear' };
  const load = /^load(_with_nhcb)?\s+(\S+)$/.exec(head);
  if (load) {
    const series = block.map((line) => parseSeriesLine(line, step));
    return { kind: 'load', stepMs: parseTimeMs(load[2]), nhcb: load[1] !== undefined, series };
  }
  const instant = /^eval(_fail|_warn|_info|_ordered)?\s+instant\s+(?:at\s+(\S+))?\s+(.*)$/.exec(head);
  if (instant) {
    const atMs = parseTimeMs(instant[2] ?? '0');
    return parseCase(name, instant[3], atMs, atMs, 0, instant[1], block, step);
  }
  const range = /^eval(_fail|_warn|_info)?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.*)$/.exec(
    head,
  );
  if (range) {
    const [, flavour, from, to, by, query] = range;
    return parseCase(name, query, parseTimeMs(from), parseTimeMs(to), parseTimeMs(by), flavour, block, step);
  }
  throw new Error(`unknown command ${head}`);
}

function parseCase(
  name: string,
  query: string,
  startMs: number,
  endMs: number,
  stepMs: number,
  flavour: string | undefined,
  block: readonly string[],
  step: HistogramStep,
): EvalCase {
  const expect: Expectations = {
    ordered: flavour === '_ordered',
    fail: flavour === '_fail' ? { kind: 'any' } : undefined,
    warn: flavour === '_warn' ? [{ kind: 'any' }] : [],
    info: flavour === '_info' ? [{ kind: 'any' }] : [],
    text: undefined,
    rangeVector: undefined,
  };
  const series: SeriesLine[] = [];
  let scalar: number | undefined;
  for (const line of block) {
    const text = line.trim();
    if (text.startsWith('expect ')) readExpectation(text.slice('expect '.length), expect);
    else if (/^expected_fail_(message|regexp)\s/.test(text)) readOldFailure(text, expect);
    else if (/^[+-]?(inf|nan|[0-9.][0-9.e+-]*)$/i.test(text)) scalar = toNumber(text);
    else series.push(parseSeriesLine(line, step));
  }
  return { kind: 'eval', name, query, startMs, endMs, stepMs, expect, series, scalar };
}

function toNumber(text: string): number {
  if (/^[+-]?inf$/i.test(text))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return Number(text);
}

function readOldFailure(text: string, expect: Expectations): void {
  const [, kind, message] = /^expected_fail_(message|regexp)\s+(.*)$/.exec(text) as RegExpExecArray;
  expect.fail = { kind: kind === 'message' ? 'exact' : 'regex', text: message };
}

function readExpectation(text: string, expect: Expectations): void {
  const vector = /^range vector from (\S+) to (\S+) step (\S+)$/.exec(text);
  if (vector) {
    expect.rangeVector = { startMs: parseTimeMs(vector[1]), stepMs: parseTimeMs(vector[3]) };
    return;
  }
  const literal = /^string\s+(.*)$/.exec(text)?.[1];
  if (literal !== undefined) {
    expect.text = literal.startsWith('"') ? (JSON.parse(literal) as string) : literal.slice(1, -1);
    return;
  }
  const match = /^(ordered|fail|warn|no_warn|info|no_info)(?:\s+(msg|regex):\s*(.*))?$/.exec(text);
  if (!match) throw new Error(`unknown expectation ${text}`);
  const [, kind, how, what] = match;
  const wanted: TextExpectation =
    how === undefined ? { kind: 'any' } : { kind: how === 'msg' ? 'exact' : 'regex', text: what };
  if (kind === 'ordered') expect.ordered = true;
  else if (kind === 'fail') expect.fail = wanted;
  else if (kind === 'no_warn') expect.warn = 'none';
  else if (kind === 'no_info') expect.info = 'none';
  else {
    const list = kind === 'warn' ? expect.warn : expect.info;
    if (list !== 'none') list.push(wanted);
  }
}
