import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { compareAnswers, type KnownDifference, type LanguageAnswer } from './answer.ts';
import { corpusQueries } from './queries.ts';

/** Faults that no grammar knows of: types, numbers and names, and what strings and regular expressions hold. */
const BEYOND_GRAMMAR = new RegExp(
  [
    'expected (type|at least|at most|\\d+ argument|label selectors)',
    '(wrong number of|no) arguments for aggregate expression',
    'unary expression only|binary expression must|bool modifier|comparisons between scalars|set operator|vector matching only',
    'no grouping allowed|filling in missing series|must not occur in ON and GROUP|must not be set twice|non-empty matcher',
    'only allowed (for vector selectors|on instant vector)|(offset|@) modifiers? (must|allowed)|before range|multiple times|out of bounds',
    'modifier (not implemented|is not supported)|modifiers cannot be used together',
    'duration must be greater|duration out of range|(division|modulo) by zero|not a valid duration|unknown unit',
    'escape sequence|unterminated|invalid UTF-8 rune|error parsing (regexp|number)|unknown function|invalid label name',
  ].join('|'),
);

/** Where grammar and Prometheus 3.14 differ, Prometheus is right, and we are with it. */
const KNOWN: readonly KnownDifference[] = [
  {
    reason: 'the grammar checks no types, numbers, escapes and regular expressions',
    covers: (_query, _theirs, ours) => 'error' in ours && BEYOND_GRAMMAR.test(ours.error),
  },
  {
    reason: 'the grammar has no min_of and max_of outside of durations',
    covers: (query) => /\b(min|max)_of\b/i.test(query),
  },
  {
    reason: 'the grammar has no number that ends in a point, no separator behind 0x, no 0X and no sign apart',
    covers: (query) => /\d\.(?!\d)|0x_|0X|\d_|[-+]\s*(inf|nan|\d)/i.test(query),
  },
  {
    reason:
      'the grammar takes offset for a keyword wherever it stands, and has step, range, min_of only in lower case',
    covers: (query) => /\boffset\b|\b(step|range)\b/i.test(query),
  },
  {
    reason: 'the grammar takes keywords for metric names and names for keywords where the lexer has decided',
    covers: (query) =>
      /\b(atan2|bool|on|ignoring|group_left|group_right|inf|nan|fill\w*|start|end|and|or|unless)\b/i.test(
        query,
      ),
  },
  {
    reason: 'names to group by: the grammar takes without and no colon',
    covers: (query) => /\(\s*(without|[^()]*:)/i.test(query),
  },
  {
    reason: 'the grammar lets a word follow a number at once',
    covers: (_query, _theirs, ours) => 'error' in ours && /bad number or duration syntax/.test(ours.error),
  },
  {
    reason: 'Prometheus takes no comment and no colon at the head of a bracket that has no number yet',
    covers: (_query, _theirs, ours) => 'error' in ours && /in duration expression/.test(ours.error),
  },
  {
    reason: 'the grammar knows more blanks than space, tab and line breaks, and ends comments otherwise',
    covers: (query) => /[^\S \t\r\n]|\r/.test(query),
  },
  {
    reason: 'the grammar reads quotes as JavaScript does',
    covers: (query) => /['"`]/.test(query) && /\\|\n/.test(query),
  },
];

/** What the grammar says: its parser never fails, it marks what does not fit. */
function grammarAnswer(query: string): LanguageAnswer {
  let hasError = false;
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError) hasError = true;
    },
  });
  return hasError ? { error: '' } : { text: '' };
}

test('the published grammar takes and refuses what we do, but for known differences', () => {
  const queries = corpusQueries({ count: 12_000, classic: false });
  const { same, explained, unexplained } = compareAnswers(
    queries,
    queries.map(grammarAnswer),
    KNOWN,
    (theirs, ours) => 'error' in theirs === 'error' in ours,
  );
  console.log(
    `${same} of ${queries.length} the same; ${JSON.stringify(Object.fromEntries(explained), null, 1)}`,
  );
  assert.deepEqual(unexplained, []);
  assert.ok(same > 0.9 * queries.length);
});
