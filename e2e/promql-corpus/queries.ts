import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EDGE_CASES, mutateQuery, QueryGenerator } from '@xscaler/testkit';
import { Random } from '../harness/index.ts';

/** Scripts of Prometheus' own PromQL tests, if they are beside the repository. */
const SCRIPTS = join(import.meta.dirname, '../../../shared/promqltest');
/** The same queries each time, unless another seed is given. */
const DEFAULT_SEED = 314;
/** Longer ones only repeat what shorter ones have. */
const MAX_LENGTH = 400;

export interface CorpusOptions {
  /** Queries beside those of the scripts and the edge cases. */
  readonly count: number;
  /** Whether what is generated keeps to the language of Prometheus 2.42. */
  readonly classic: boolean;
}

/** The scripts' queries, the edge cases, generated queries and seeded mutations of all of them, each once. */
export function corpusQueries({ count, classic }: CorpusOptions): string[] {
  const seed = Number(process.env.XSCALER_E2E_SEED ?? DEFAULT_SEED);
  console.log(`XSCALER_E2E_SEED=${seed}`);
  const seeded = new Random(seed);
  const random = () => seeded.next();
  const generator = new QueryGenerator(random, { classic });
  const written = [...scriptQueries(), ...EDGE_CASES];
  const queries = new Set(written);
  const wanted = queries.size + count;
  while (queries.size < wanted) {
    const isWritten = random() < 0.4;
    const base = isWritten
      ? written[seeded.between(0, written.length)]
      : generator.query(seeded.between(1, 5));
    if (base.length > MAX_LENGTH) continue;
    queries.add(!isWritten && random() < 0.2 ? base : mutateQuery(base, random));
  }
  // Half a character is not a text that could be sent.
  return [...queries].filter((query) => query.isWellFormed());
}

function scriptQueries(): string[] {
  if (!existsSync(SCRIPTS)) return [];
  const files = readdirSync(SCRIPTS).filter((name) => name.endsWith('.test'));
  const lines = files.flatMap((name) => readFileSync(join(SCRIPTS, name), 'utf8').split('\n'));
  const command =
    /^\s*eval(?:_\w+)?\s+(?:instant\s+at\s+\S+|range\s+from\s+\S+\s+to\s+\S+\s+step\s+\S+)\s+(.+)$/;
  return lines.flatMap((line) => command.exec(line)?.[1] ?? []);
}
