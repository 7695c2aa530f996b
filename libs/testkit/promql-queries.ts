/** 0 ≤ x < 1, as `Math.random` gives it, but seeded. */
export type RandomSource = () => number;

type Kind = 'scalar' | 'vector' | 'matrix' | 'string';

const METRICS = ['foo', 'bar', 'job:x:sum', 'a_total', 'b_bucket', 'X9', '_y', ':z'];
const LABELS = ['a', 'job', 'le', '__name__', 'sum', 'by', 'on', 'instance_1', 'offset', 'start', 'fill'];
const NAME_WORDS = ['sum', 'by', 'offset', 'count', 'without', 'start', 'end', 'topk', 'and', 'or', 'unless'];
const LATE_NAME_WORDS = ['step', 'range', 'fill', 'fill_left', 'anchored', 'smoothed', 'limitk', 'min_of'];
const AGGREGATIONS = ['sum', 'avg', 'count', 'min', 'max', 'group', 'stddev', 'stdvar'];
const TOPS = ['topk', 'bottomk', 'quantile'];
const ARITHMETIC = ['+', '-', '*', '/', '%', '^', 'atan2'];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const SETS = ['and', 'or', 'unless'];
const STRINGS = [
  '"x"',
  "'y'",
  '`z`',
  '"a\\nb"',
  "'\\x41\\u00e9'",
  '"\\101"',
  '"é😀"',
  '``',
  '"it\'s"',
  '"\\U0001F600"',
];
const PATTERNS = [
  '"a.*"',
  '".+"',
  '"x|y"',
  '"(?i)abc"',
  "'[0-9]+'",
  '"a{2,3}"',
  '`\\d+`',
  '"[[:alpha:]]"',
  '"\\\\pL"',
];
const DURATIONS = ['5m', '1h', '30s', '1d', '1w', '1y', '100ms', '1h30m', '1y2w3d4h5m6s7ms', '0s', '90m'];
const NUMBERS = [
  '1',
  '0',
  '2.5',
  '.5',
  '1e3',
  '1E-3',
  '0x1F',
  '017',
  'Inf',
  'NaN',
  '1e+20',
  '3.',
  '09',
  '0.00001',
];
const LATE_NUMBERS = ['1_000', '0x_ff', '5m', '1h30m', '1_0.5_0'];
const RANGE_FUNCTIONS = [
  'rate',
  'increase',
  'delta',
  'irate',
  'sum_over_time',
  'last_over_time',
  'absent_over_time',
];
const LATE_RANGE_FUNCTIONS = ['mad_over_time', 'first_over_time', 'ts_of_max_over_time'];
const VECTOR_FUNCTIONS = ['abs', 'ceil', 'ln', 'sort', 'timestamp', 'absent', 'sgn', 'histogram_count'];

export interface QueryForm {
  /** Only the language of Prometheus 2.42. */
  readonly classic: boolean;
}

/** Makes well-formed PromQL texts in every spelling that the language has: words in odd case, comments, blanks. */
export class QueryGenerator {
  readonly #random: RandomSource;
  readonly #classic: boolean;

  constructor(random: RandomSource, { classic }: QueryForm) {
    this.#random = random;
    this.#classic = classic;
  }

  /** @param depth levels of operators and calls at most */
  query(depth: number): string {
    return this.#expr(this.#pick<Kind>(['vector', 'vector', 'vector', 'scalar', 'matrix', 'string']), depth);
  }

  #expr(kind: Kind, depth: number): string {
    // Now and then what does not belong there: types are checked, too.
    const wanted = this.#chance(0.02) ? this.#pick<Kind>(['scalar', 'vector', 'matrix', 'string']) : kind;
    if (depth > 0 && this.#chance(0.08))
      return `(${this.#blank()}${this.#expr(wanted, depth - 1)}${this.#blank()})`;
    switch (wanted) {
      case 'scalar':
        return this.#scalar(depth);
      case 'vector':
        return this.#vector(depth);
      case 'matrix':
        return this.#matrix(depth);
      case 'string':
        return this.#pick(STRINGS);
    }
  }

  #scalar(depth: number): string {
    if (depth <= 0 || this.#chance(0.3)) return this.#number();
    const forms: (() => string)[] = [
      () => this.#binary('scalar', 'scalar', depth),
      () => `${this.#pick(['-', '+', '- '])}${this.#expr('scalar', depth - 1)}`,
      () => `scalar(${this.#expr('vector', depth - 1)})`,
      () => this.#pick(['time()', 'pi()']),
    ];
    if (!this.#classic) {
      forms.push(() => this.#pick(['start()', 'END()'.toLowerCase(), 'step()', 'range()']));
      forms.push(
        () => `${this.#pick(['min_of', 'max_of'])}(${this.#expr('scalar', depth - 1)}, ${this.#number()})`,
      );
    }
    return this.#pick(forms)();
  }

  #vector(depth: number): string {
    if (depth <= 0 || this.#chance(0.25)) return this.#selector() + this.#modifiers(depth);
    const forms: (() => string)[] = [
      () => this.#binary('vector', this.#pick<Kind>(['vector', 'vector', 'scalar']), depth),
      () => this.#binary('scalar', 'vector', depth),
      () => `-${this.#expr('vector', depth - 1)}`,
      () => this.#aggregation(depth),
      () => this.#aggregation(depth),
      () => `${this.#rangeFunction()}(${this.#expr('matrix', depth - 1)})`,
      () => `${this.#rangeFunction()}(${this.#expr('matrix', depth - 1)})`,
      () =>
        `${this.#pick(VECTOR_FUNCTIONS)}(${this.#blank()}${this.#expr('vector', depth - 1)}${this.#blank()})`,
      () => `histogram_quantile(${this.#expr('scalar', depth - 1)}, ${this.#expr('vector', depth - 1)})`,
      () => `quantile_over_time(${this.#number()}, ${this.#expr('matrix', depth - 1)})`,
      () => `label_replace(${this.#expr('vector', depth - 1)}, "a", "$1", "b", "(.*)")`,
      () =>
        `label_join(${this.#expr('vector', depth - 1)}, "a", "-"${this.#pick(['', ', "b"', ', "b", "c"'])})`,
      () => `round(${this.#expr('vector', depth - 1)}${this.#pick(['', ', 5'])})`,
      () => `vector(${this.#expr('scalar', depth - 1)})`,
      () =>
        `${this.#pick(['hour', 'month', 'days_in_month'])}(${this.#pick(['', this.#expr('vector', depth - 1)])})`,
      () => `clamp(${this.#expr('vector', depth - 1)}, ${this.#number()}, ${this.#number()})`,
    ];
    if (!this.#classic) {
      forms.push(() => `info(${this.#expr('vector', depth - 1)}, {${this.#matcher()}})`);
      forms.push(() => `sort_by_label(${this.#expr('vector', depth - 1)}, "a", "b")`);
    }
    return this.#pick(forms)();
  }

  #matrix(depth: number): string {
    const bounds = (step: boolean) => {
      const range = `[${this.#pick(['', ' '])}${this.#range()}`;
      return step ? `${range}:${this.#chance(0.5) ? '' : this.#range()}]` : `${range}]`;
    };
    if (depth <= 0 || this.#chance(0.6)) return this.#selector() + bounds(false) + this.#modifiers(depth);
    const inner = this.#chance(0.4) ? this.#selector() : `(${this.#expr('vector', depth - 1)})`;
    return inner + bounds(true) + this.#modifiers(-1);
  }

  #range(): string {
    return this.#classic ? this.#duration() : this.#durationExpr(2);
  }

  #duration(): string {
    return this.#pick(DURATIONS);
  }

  #durationExpr(depth: number): string {
    if (depth <= 0 || this.#chance(0.6)) {
      return this.#pick([this.#duration(), this.#pick(['300', '0.5', '1e2', '0x10', 'step()', 'range()'])]);
    }
    const left = this.#durationExpr(depth - 1);
    const right = this.#durationExpr(depth - 1);
    return this.#pick([
      `${left} ${this.#pick(['+', '-', '*', '/', '%', '^'])} ${right}`,
      `(${left} ${this.#pick(['+', '*'])} ${right})`,
      `-${left}`,
      `+(${left})`,
      `min_of(${left}, ${right})`,
      `max_of(${left},${right})`,
    ]);
  }

  /** `@`, `offset` and the like, at most one of each. */
  #modifiers(depth: number): string {
    const parts: string[] = [];
    if (this.#chance(0.15)) {
      parts.push(
        `${this.#pick(['@', ' @ '])}${this.#pick(['123', '-5.5', '1e3', 'start()', 'end()', '+7', '0x1f'])}`,
      );
    }
    if (this.#chance(0.2)) {
      const sign = this.#pick(['', '-', '+', '- ']);
      const late = this.#classic
        ? []
        : ['7', '1.5', '(1m+30s)', 'step()', '(2*step())', 'min_of(1m,2m)', '-(1h)'];
      const length = this.#pick([this.#duration(), this.#duration(), ...late]);
      parts.push(`${this.#space()}${this.#word('offset')} ${length.startsWith('-') ? '' : sign}${length}`);
    }
    if (!this.#classic && depth >= 0 && this.#chance(0.06))
      parts.push(` ${this.#pick(['anchored', 'smoothed'])}`);
    if (parts.length > 1 && this.#chance(0.5)) parts.reverse();
    return parts.join(this.#blank());
  }

  #selector(): string {
    const plain = this.#pick([...METRICS, ...(this.#chance(0.1) ? this.#nameWords() : [])]);
    const matchers = Array.from({ length: Math.floor(this.#random() * 4) }, () => this.#matcher());
    const list = matchers.join(this.#pick([',', ', ', ' ,']));
    const comma = matchers.length > 0 && this.#chance(0.1) ? ',' : '';
    if (this.#chance(0.5)) return plain;
    if (this.#chance(0.2)) {
      const name = this.#classic || this.#chance(0.5) ? `__name__=~${this.#pick(PATTERNS)}` : '"a metric"';
      return `{${[name, ...matchers].join(',')}${comma}}`;
    }
    return `${plain}${this.#blank()}{${list}${comma}}`;
  }

  #nameWords(): readonly string[] {
    return this.#classic ? NAME_WORDS : [...NAME_WORDS, ...LATE_NAME_WORDS];
  }

  #matcher(): string {
    const labels = LABELS.filter((label) => label !== '__name__');
    const quoted = !this.#classic && this.#chance(0.1);
    const name = quoted ? this.#pick(['"a b"', "'x.y'", '`job`', '"é"']) : this.#pick(labels);
    const isPattern = this.#chance(0.4);
    const operator = this.#pick(isPattern ? ['=~', '!~'] : ['=', '!=']);
    return `${name}${this.#blank()}${operator}${this.#blank()}${this.#pick(isPattern ? PATTERNS : STRINGS)}`;
  }

  #number(): string {
    return this.#pick(this.#classic ? NUMBERS : [...NUMBERS, ...LATE_NUMBERS]);
  }

  #rangeFunction(): string {
    return this.#pick(this.#classic ? RANGE_FUNCTIONS : [...RANGE_FUNCTIONS, ...LATE_RANGE_FUNCTIONS]);
  }

  #aggregation(depth: number): string {
    const withParameter = this.#chance(0.25);
    const late = this.#classic ? [] : ['limitk', 'limit_ratio'];
    const op = this.#pick(withParameter ? [...TOPS, 'count_values', ...late] : AGGREGATIONS);
    const parameter = op === 'count_values' ? '"v"' : this.#expr('scalar', depth - 2);
    const args = `(${withParameter ? `${parameter}, ` : ''}${this.#expr('vector', depth - 1)})`;
    if (this.#chance(0.5)) return this.#word(op) + args;
    const clause = `${this.#word(this.#pick(['by', 'without']))}${this.#blank()}${this.#grouping()}`;
    return this.#chance(0.5) ? `${this.#word(op)} ${clause} ${args}` : `${this.#word(op)}${args} ${clause}`;
  }

  #grouping(): string {
    const names = Array.from({ length: Math.floor(this.#random() * 3) }, () =>
      !this.#classic && this.#chance(0.1) ? '"a b"' : this.#pick(LABELS),
    );
    return `(${names.join(this.#pick([',', ', ']))}${names.length > 0 && this.#chance(0.1) ? ',' : ''})`;
  }

  #binary(left: Kind, right: Kind, depth: number): string {
    const onVectors = left === 'vector' && right === 'vector';
    const late = this.#classic ? [] : ['</', '>/'];
    const operators = onVectors ? [ARITHMETIC, COMPARISONS, SETS, late] : [ARITHMETIC, COMPARISONS, late];
    const group = this.#pick(operators.filter((list) => list.length > 0));
    let op = this.#word(this.#pick(group));
    const isBool =
      group === COMPARISONS && (left === right ? left === 'scalar' || this.#chance(0.3) : this.#chance(0.3));
    if (isBool) op += ` ${this.#word('bool')}`;
    if (onVectors && this.#chance(0.4)) op += this.#matching(group === SETS);
    return `${this.#expr(left, depth - 1)}${this.#space()}${op}${this.#space()}${this.#expr(right, depth - 1)}`;
  }

  #matching(isSet: boolean): string {
    let text = ` ${this.#word(this.#pick(['on', 'ignoring']))}${this.#blank()}${this.#grouping()}`;
    if (isSet) return text;
    if (this.#chance(0.4)) {
      text += ` ${this.#word(this.#pick(['group_left', 'group_right']))}${this.#chance(0.6) ? this.#grouping() : ''}`;
    }
    if (!this.#classic && this.#chance(0.25)) {
      text += this.#pick([
        ' fill(0)',
        ' fill_left (-1.5)',
        ' fill_right(NaN) fill_left(1e30)',
        ' fill_right(1)',
      ]);
    }
    return text;
  }

  #word(word: string): string {
    if (!this.#chance(0.08)) return word;
    return this.#chance(0.5) ? word.toUpperCase() : word[0].toUpperCase() + word.slice(1);
  }

  #blank(): string {
    return this.#chance(0.85) ? '' : this.#space();
  }

  #space(): string {
    return this.#chance(0.93) ? ' ' : this.#pick(['  ', '\n', '\t', '\r\n', ' # why\n']);
  }

  #chance(probability: number): boolean {
    return this.#random() < probability;
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.#random() * choices.length)];
  }
}

const TOKEN = /\s+|#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[\w:.]+|[<>=!]=|[=!]~|[<>]\/|[\s\S]/g;
const SPARE_TOKENS = [
  'foo',
  'sum',
  'by',
  'on',
  'ignoring',
  'bool',
  'offset',
  '(',
  ')',
  '{',
  '}',
  '[',
  ']',
  '5m',
  ':',
  '"x"',
  "'",
  '=',
  '=~',
  '!~',
  '!=',
  '==',
  '<',
  '>=',
  '</',
  '+',
  '-',
  '^',
  '@',
  '1',
  ',',
  'rate',
  'topk',
  'and',
  'unless',
  'start',
  'step',
  'group_left',
  'fill',
  'fill_right',
  'without',
  'inf',
  '#',
  ' ',
  '\n',
  'nan',
  'min_of',
  'anchored',
  '1e',
  '0x',
  '()',
  '{}',
  '[1m]',
  'atan2',
  'abs',
  '`',
  '\\',
  'é',
  '!',
  '~',
  ';',
  '$',
  '%',
  '/',
];
const SPARE_CHARACTERS = 'aefmxsyd_019.:,()[]{}"\'`=!~<>+-*/%^@# \n\\$é😀';

/** One to three faults: a token deleted, inserted, doubled or swapped with its neighbour, or a character changed. */
export function mutateQuery(query: string, random: RandomSource): string {
  const faults = 1 + Math.floor(random() * random() * 3);
  let text = query;
  for (let i = 0; i < faults; i++)
    text = random() < 0.7 ? mutateTokens(text, random) : flipCharacter(text, random);
  return text;
}

function mutateTokens(query: string, random: RandomSource): string {
  const tokens = query.match(TOKEN) ?? [];
  const at = Math.floor(random() * tokens.length);
  const spare = SPARE_TOKENS[Math.floor(random() * SPARE_TOKENS.length)];
  switch (Math.floor(random() * 5)) {
    case 0:
      tokens.splice(at, 1);
      break;
    case 1:
      tokens.splice(at, 0, spare);
      break;
    case 2:
      tokens.splice(at, 1, spare);
      break;
    case 3:
      tokens.splice(at, 0, tokens[at] ?? spare);
      break;
    default: {
      const other = Math.floor(random() * tokens.length);
      [tokens[at], tokens[other]] = [tokens[other] ?? '', tokens[at] ?? ''];
    }
  }
  return tokens.join('');
}

function flipCharacter(query: string, random: RandomSource): string {
  const characters = [...query];
  const spares = [...SPARE_CHARACTERS];
  const at = Math.floor(random() * (characters.length + 1));
  const spare = spares[Math.floor(random() * spares.length)];
  const how = Math.floor(random() * 3);
  if (how === 0) characters.splice(at, 1);
  else if (how === 1) characters.splice(at, 1, spare);
  else characters.splice(at, 0, spare);
  return characters.join('');
}
