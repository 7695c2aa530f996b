/**
 * `npm run simulate -- --seed N --runs M`: runs the seeds N … N+M−1. With `--story` each run tells
 * what happens in it; `--sabotage NAME` breaks one of the invariants of sabotage.ts on purpose.
 * The exit code is 1 if a promise was broken; the seed that shows it is printed.
 */
import { parseArgs } from 'node:util';
import { SABOTAGE } from './sabotage.ts';
import { type Outcome, simulate } from './simulation.ts';
import { Tables } from './tables.ts';
import { installVirtualTimers } from './virtual-timers.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string', default: '1' },
    story: { type: 'boolean', default: false },
    sabotage: { type: 'string' },
  },
});
const firstSeed = Number(values.seed);
const runs = Number(values.runs);
const sabotage = values.sabotage === undefined ? undefined : SABOTAGE[values.sabotage];
if (values.sabotage !== undefined && sabotage === undefined) {
  throw new Error(`no sabotage ${values.sabotage}; there are ${Object.keys(SABOTAGE).join(', ')}`);
}
// Errors are made by the thousand while things are broken; if they come from is only of interest in a story.
if (!values.story) Error.stackTraceLimit = 0;
const tables = await Tables.create();
installVirtualTimers();

const sums: Record<keyof Outcome, number> = {
  events: 0,
  acknowledged: 0,
  refused: 0,
  held: 0,
  upgrades: 0,
  deletions: 0,
  reads: 0,
  failedReads: 0,
  heads: 0,
};
let failures = 0;
for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
  const tell = values.story ? (line: string) => console.log(line) : () => undefined;
  try {
    const outcome = await simulate({ seed, tables, tell, sabotage });
    for (const name of Object.keys(sums) as (keyof Outcome)[]) sums[name] += outcome[name];
  } catch (error) {
    failures++;
    console.log(`seed ${seed}: ${(error as Error).message}`);
  }
}
console.log(
  `${runs} runs, ${failures} failed: ${sums.events} events, ${sums.acknowledged} samples acknowledged, ` +
    `${sums.refused} refused by name, ${sums.held} requests held for ${sums.upgrades} upgrades, ${sums.deletions} deletions, ${sums.reads} reads right, ${sums.failedReads} refused while things were broken, ` +
    `${sums.heads} heads equal to a replay's`,
);
process.exitCode = failures > 0 ? 1 : 0;
