import { type Expr, expressionTree, ParseError, parseExpression, prettyExpression } from '@xscaler/promql';
import { success } from './envelope.ts';
import { invalid } from './parameters.ts';
import type { ReadHandler, ReadRequest } from './read-request.ts';

/** `format_query`: the expression, laid out. */
export const formatQuery: ReadHandler = async (request) => success(prettyExpression(expressionOf(request)));

/** `parse_query`: the expression as a tree. */
export const parseQuery: ReadHandler = async (request) => success(expressionTree(expressionOf(request)));

function expressionOf({ parameters }: ReadRequest): Expr {
  try {
    return parseExpression(parameters.text('query'));
  } catch (error) {
    if (error instanceof ParseError) throw invalid('query', error.message);
    throw error;
  }
}
