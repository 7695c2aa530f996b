/** Characters of a pattern that needs an engine. */
export const MAX_PATTERN_LENGTH = 65_536;
/** States of a pattern that needs an engine: at 12 µs each for the costliest classes, a quarter of a second. */
export const MAX_PATTERN_STATES = 20_000;

/**
 * Steps of one match at most: states × characters, or × groups, if there are more of these. A step takes 25 to 250 ns, so that a
 * match takes two seconds at the very most, and an engine that keeps 8 bytes a state and group takes 64 MB. A pattern of 4,096 states
 * may be matched with a label value of 2,048 characters, one of 100 states with 83,000.
 */
export const MAX_MATCH_STEPS = 2 ** 23;

/** Steps of a match, about: what it costs is in proportion, unless the engine knows a shorter way. */
export function matchSteps(states: number, textLength: number, groups = 0): number {
  return states * Math.max(textLength, groups);
}

/** A pattern that repeats more often is not a regular expression: the engine says so. */
const MAX_COPIES = 1000;

/**
 * About how many states a pattern's automaton has: its characters, with counted repetitions written out. Only a bound: what
 * Go's parser refuses is left to the engine's parser, which is the same.
 */
export function patternStates(pattern: string): number {
  /** States of the open groups so far, the innermost last. */
  const groups = [0];
  let atom = 0;
  let i = 0;
  while (i < pattern.length) {
    const end = atomEnd(pattern, i);
    const character = pattern[i];
    const repeat = character === '{' ? /^\{(\d+)(?:,(\d*))?\}/.exec(pattern.slice(i, i + 12)) : null;
    if (character === '(') {
      groups.push(0);
    } else if (character === ')' && groups.length > 1) {
      atom = (groups.pop() as number) + 1;
      groups[groups.length - 1] += atom;
    } else if (repeat) {
      const asked = Math.max(Number(repeat[1]), Number(repeat[2] || 0), 1);
      const copies = asked > MAX_COPIES ? 1 : asked;
      groups[groups.length - 1] += atom * (copies - 1);
      atom *= copies;
      i += repeat[0].length;
      continue;
    } else {
      atom = 1;
      groups[groups.length - 1]++;
    }
    i = end;
  }
  return groups.reduce((sum, states) => sum + states, 0);
}

/** Where the character, escape or class that begins at `at` ends. */
function atomEnd(pattern: string, at: number): number {
  if (pattern[at] === '\\') return at + 2;
  if (pattern[at] !== '[') return at + 1;
  let i = at + 1;
  if (pattern[i] === '^') i++;
  // A bracket right at the head is one of the class.
  if (pattern[i] === ']') i++;
  while (i < pattern.length && pattern[i] !== ']') {
    const named = pattern[i] === '[' && pattern[i + 1] === ':' ? pattern.indexOf(':]', i + 2) : -1;
    if (named > 0) i = named + 2;
    else i += pattern[i] === '\\' ? 2 : 1;
  }
  return i + 1;
}
