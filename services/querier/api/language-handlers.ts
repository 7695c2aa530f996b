import { type Expr, expressionTree, ParseError, parseExpression, prettyExpression } from '@xscaler/promql';
import { invalid } from '../answer/api-error.ts';
import { success } from '../answer/envelope.ts';

import type { ReadHandler, ReadRequest } from './read-request.ts';

/**
 * Characters of a query that is only read: it is done on the thread of the sockets, tens of milliseconds for this many, and
 * the indentation of deeply nested lines can make megabytes of them.
 */
const MAX_QUERY_LENGTH = 65_536;

/** `format_query`: the expression in Prometheus' spelling, over several lines if it is long. */
export const formatQuery: ReadHandler = async (request) => success(prettyExpression(expressionOf(request)));

/** `parse_query`: the expression as a tree. */
export const parseQuery: ReadHandler = async (request) => success(expressionTree(expressionOf(request)));

function expressionOf({ parameters }: ReadRequest): Expr {
  const query = parameters.text('query');
  if (query.length > MAX_QUERY_LENGTH) throw invalid('query', `longer than ${MAX_QUERY_LENGTH} characters`);
  try {
    return parseExpression(query);
  } catch (error) {
    if (error instanceof ParseError) throw invalid('query', error.message);
    throw error;
  }
}
