import { Matcher } from './index.ts';

/**
 * What a regular-expression matcher costs a character, on values made to backtrack: it must not grow with the length.
 *
 *     node libs/model/matcher.bench.ts
 */
const PATTERNS = [
  '(a+)+$',
  '(a|aa)+$',
  '(a*)*b',
  '([a-z]+)*x',
  '(.*)*=(.*)*x',
  '(\\w+\\s?)+$',
  'a.*b.*c',
  '.*a.*',
];
const LENGTHS = [1_000, 10_000, 100_000, 1_000_000];
/** Characters matched in one measurement. */
const CHARACTERS = 2_000_000;

function nanosecondsACharacter(pattern: string, length: number): number {
  const matcher = new Matcher('=~', 'a', pattern);
  const value = `${'a'.repeat(length)}!`;
  matcher.matches(value);
  const rounds = CHARACTERS / length;
  const startMs = performance.now();
  for (let i = 0; i < rounds; i++) matcher.matches(value);
  return ((performance.now() - startMs) * 1e6) / CHARACTERS;
}

console.log(`ns a character\t${LENGTHS.join('\t')}`);
for (const pattern of PATTERNS) {
  const costs = LENGTHS.map((length) => nanosecondsACharacter(pattern, length).toFixed(1));
  console.log(`${pattern}\t${costs.join('\t')}`);
}
