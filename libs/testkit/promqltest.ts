import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FloatHistogram } from '@xscaler/model';
import { combineHistograms } from '@xscaler/promql';
import { type CaseOutcome, runScript } from './promqltest-run.ts';
import { parseScript } from './promqltest-script.ts';
import { ScriptStorage } from './promqltest-storage.ts';

/** `base + change` or `base − change`, for sequences of histograms. */
function stepHistogram(base: FloatHistogram, change: FloatHistogram, sign: 1 | -1): FloatHistogram {
  const sum = combineHistograms(base, change, sign);
  if (!sum) throw new Error('a sequence mixes exponential and custom buckets');
  return sum.histogram;
}

export interface FileOutcome {
  readonly file: string;
  readonly cases: readonly CaseOutcome[];
}

/** Runs every `*.test` script of a directory. @param only a part of the file names to run */
export async function runDirectory(directory: string, only = ''): Promise<FileOutcome[]> {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.test') && file.includes(only))
    .sort();
  const outcomes: FileOutcome[] = [];
  for (const file of files) {
    const text = readFileSync(join(directory, file), 'utf8');
    const commands = parseScript(file, text, stepHistogram);
    const storage = new ScriptStorage();
    outcomes.push({ file, cases: await runScript(commands, storage) });
  }
  return outcomes;
}

/** How a run compares with the list of known gaps. */
export interface Verdict {
  /** Failing cases that are not on the list. */
  readonly broken: readonly CaseOutcome[];
  /** Names on the list that pass, or that no case has. */
  readonly outdated: readonly string[];
}

/** @param gaps names of cases that are known to fail */
export function judgeOutcomes(outcomes: readonly FileOutcome[], gaps: readonly string[]): Verdict {
  const known = new Set(gaps);
  const cases = outcomes.flatMap((outcome) => outcome.cases);
  const broken = cases.filter((one) => one.fault !== undefined && !known.has(one.name));
  const failing = new Set(cases.filter((one) => one.fault !== undefined).map((one) => one.name));
  return { broken, outdated: gaps.filter((name) => !failing.has(name)) };
}

/** Reads a list of known gaps: a `file:line` a line, `#` comments. */
export function readGaps(path: string): string[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '');
}
