import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What was once answered differently, shrunk: a query a line of `kept-queries.txt`, `#` comments. */
export function keptQueries(): string[] {
  const text = readFileSync(join(import.meta.dirname, 'kept-queries.txt'), 'utf8');
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
