import { ParseError, parseExpression, prettyExpression } from '@xscaler/promql';

/** What becomes of a query: its text as `format_query` gives it, or why it is refused. */
export type LanguageAnswer = { readonly text: string } | { readonly error: string };

/** What we say. */
export function ourAnswer(query: string): LanguageAnswer {
  try {
    return { text: prettyExpression(parseExpression(query)) };
  } catch (error) {
    if (error instanceof ParseError) return { error: error.message };
    throw error;
  }
}

/** A difference that is known, and why it is right. */
export interface KnownDifference {
  readonly reason: string;
  readonly covers: (query: string, theirs: LanguageAnswer, ours: LanguageAnswer) => boolean;
}

/**
 * Compares all answers.
 * @returns how many are the same, how many differ for each known reason, and what differs for none
 */
export function compareAnswers(
  queries: readonly string[],
  theirs: readonly LanguageAnswer[],
  known: readonly KnownDifference[],
  isSame: (theirs: LanguageAnswer, ours: LanguageAnswer) => boolean,
): { same: number; explained: Map<string, number>; unexplained: string[] } {
  let same = 0;
  const explained = new Map<string, number>();
  const unexplained: string[] = [];
  for (const [index, query] of queries.entries()) {
    const ours = ourAnswer(query);
    if (isSame(theirs[index], ours)) {
      same++;
      continue;
    }
    const difference = known.find(({ covers }) => covers(query, theirs[index], ours));
    if (difference) explained.set(difference.reason, (explained.get(difference.reason) ?? 0) + 1);
    else unexplained.push(JSON.stringify({ query, theirs: theirs[index], ours }));
  }
  return { same, explained, unexplained };
}
