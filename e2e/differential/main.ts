import { parseArgs } from 'node:util';
import { keptQueries } from './kept-queries.ts';
import { runDifferential } from './run.ts';

/**
 * Asks a Prometheus 2.42 and xscaler the same random queries over the same data.
 *
 *     node e2e/differential/main.ts [--seed N] [--count N] [--concurrency N]
 *
 * Prints each difference with the simplest query that shows it, to be kept in `kept-queries.txt`.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.trunc(Math.random() * 2 ** 31)) },
    count: { type: 'string', default: '10000' },
    concurrency: { type: 'string', default: '6' },
  },
});

const seed = Number(values.seed);
console.log(`seed ${seed}`);
const outcome = await runDifferential({
  seed,
  count: Number(values.count),
  concurrency: Number(values.concurrency),
  kept: keptQueries(),
  onDifference: ({ query, shrunk, times, difference }) => {
    console.log(`DIFFERENT ${query}`);
    console.log(`  simplest: ${shrunk}`);
    console.log(`  ${difference}`);
    console.log(`  ${JSON.stringify(times)}`);
  },
});
const { queries, answered, refused, amplified, differences } = outcome;
console.log(
  `seed ${seed}: ${queries} queries, ${answered} answered, ${refused} refused by both, ` +
    `${amplified} with the last bits of an operand amplified, ${differences.length} different`,
);
if (differences.length > 0) process.exitCode = 1;
