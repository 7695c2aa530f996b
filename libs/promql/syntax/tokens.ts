import { quoteText } from '../numbers/go-quote.ts';

/** Punctuation that is not an operator. */
export type Punctuation = '(' | ')' | '{' | '}' | '[' | ']' | ',' | ':' | '=' | '=~' | '!~';

export type OperatorToken =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '</'
  | '>/'
  | '@'
  | 'and'
  | 'or'
  | 'unless'
  | 'atan2';

export type AggregatorToken =
  | 'sum'
  | 'avg'
  | 'count'
  | 'min'
  | 'max'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'count_values'
  | 'quantile'
  | 'limitk'
  | 'limit_ratio';

export type KeywordToken =
  | 'offset'
  | 'smoothed'
  | 'anchored'
  | 'by'
  | 'without'
  | 'on'
  | 'ignoring'
  | 'group_left'
  | 'group_right'
  | 'fill'
  | 'fill_left'
  | 'fill_right'
  | 'bool';

export type PreprocessorToken = 'start' | 'end' | 'step' | 'range' | 'min_of' | 'max_of';

export type LiteralToken =
  | 'identifier'
  | 'metric identifier'
  | 'number'
  | 'duration'
  | 'string'
  | 'end of input';

export type TokenType =
  | Punctuation
  | OperatorToken
  | AggregatorToken
  | KeywordToken
  | PreprocessorToken
  | LiteralToken;

export interface Token {
  readonly type: TokenType;
  /** As written. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

type WordClass = 'operator' | 'aggregator' | 'keyword' | 'preprocessor';

const wordClasses: Record<
  | Extract<OperatorToken, 'and' | 'or' | 'unless' | 'atan2'>
  | AggregatorToken
  | KeywordToken
  | PreprocessorToken,
  WordClass
> = {
  and: 'operator',
  or: 'operator',
  unless: 'operator',
  atan2: 'operator',
  sum: 'aggregator',
  avg: 'aggregator',
  count: 'aggregator',
  min: 'aggregator',
  max: 'aggregator',
  group: 'aggregator',
  stddev: 'aggregator',
  stdvar: 'aggregator',
  topk: 'aggregator',
  bottomk: 'aggregator',
  count_values: 'aggregator',
  quantile: 'aggregator',
  limitk: 'aggregator',
  limit_ratio: 'aggregator',
  offset: 'keyword',
  smoothed: 'keyword',
  anchored: 'keyword',
  by: 'keyword',
  without: 'keyword',
  on: 'keyword',
  ignoring: 'keyword',
  group_left: 'keyword',
  group_right: 'keyword',
  fill: 'keyword',
  fill_left: 'keyword',
  fill_right: 'keyword',
  bool: 'keyword',
  start: 'preprocessor',
  end: 'preprocessor',
  step: 'preprocessor',
  range: 'preprocessor',
  min_of: 'preprocessor',
  max_of: 'preprocessor',
};

/** The words that are not plain identifiers, in lower case; the language ignores their case. */
export const WORDS: ReadonlyMap<string, WordClass> = new Map(Object.entries(wordClasses));

/** Keywords and set operators that are metric names if an operand is wanted. */
const NAME_WORDS = new Set<TokenType>([
  'by',
  'without',
  'offset',
  'anchored',
  'smoothed',
  'fill',
  'fill_left',
  'fill_right',
  'and',
  'or',
  'unless',
]);

/** Whether a token can be a metric name, as aggregators and preprocessors can. */
export function isMetricName(type: TokenType): boolean {
  if (type === 'identifier' || type === 'metric identifier') return true;
  const wordClass = WORDS.get(type);
  return NAME_WORDS.has(type) || wordClass === 'aggregator' || wordClass === 'preprocessor';
}

const OPENERS = new Set<TokenType>(['number', 'duration', 'string', '(', '{', '+', '-']);

/** Whether an expression can begin with the token. */
export function startsOperand(type: TokenType): boolean {
  return OPENERS.has(type) || isMetricName(type);
}

const SYMBOL_OPERATORS = new Set<string>([
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  '==',
  '!=',
  '<',
  '<=',
  '>',
  '>=',
  '</',
  '>/',
  '@',
  '=~',
  '!~',
]);

const LITERALS = new Set<string>(['identifier', 'metric identifier', 'number', 'duration', 'string']);

/** How an error text speaks of a token, as Prometheus does: `<op:+>`, `<by>`, `identifier "x"`. */
export function describeToken(token: Token): string {
  if (token.type === 'end of input') return 'end of input';
  if (LITERALS.has(token.type)) return `${token.type} ${quoteShort(token)}`;
  const wordClass = WORDS.get(token.type);
  if (wordClass === 'keyword') return `<${token.text}>`;
  if (wordClass === 'operator' || SYMBOL_OPERATORS.has(token.type)) return `<op:${token.text}>`;
  if (wordClass === 'aggregator') return `<aggr:${token.text}>`;
  return quoteText(token.text);
}

function quoteShort(token: Token): string {
  const whole = token.type === 'identifier' || token.type === 'metric identifier';
  const bytes = Buffer.byteLength(token.text);
  if (whole || bytes <= 10) return quoteText(token.text);
  return `${quoteText([...token.text].slice(0, 10).join(''))}...`;
}
