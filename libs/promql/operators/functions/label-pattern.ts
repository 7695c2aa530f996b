import { MAX_MATCH_STEPS, MAX_PATTERN_STATES, matchSteps, patternStates } from '@xscaler/model';
import { RE2JS } from 're2js';
import { ExecutionError } from '../../syntax/errors.ts';
import type { Budget } from '../../vectors/budget.ts';

export type PatternMatch = ReturnType<RE2JS['matcher']>;

/** Characters of a pattern that an error text shows. */
const SHOWN_LENGTH = 100;

/**
 * A regular expression that a function is given: RE2, anchored at both ends, the dot matches a newline. Nothing can interrupt
 * a match, so that what one may cost is bounded.
 */
export class LabelPattern {
  readonly #functionName: string;
  readonly #states: number;
  readonly #groups: number;
  readonly #regex: RE2JS;
  readonly #budget: Budget;

  /** @throws ExecutionError if it is not a regular expression, or too large to be compiled or matched soon */
  constructor(functionName: string, pattern: string, budget: Budget) {
    this.#functionName = functionName;
    this.#budget = budget;
    this.#states = patternStates(pattern);
    if (this.#states > MAX_PATTERN_STATES) throw this.#tooLarge(pattern, `${MAX_PATTERN_STATES} states`);
    // To compile the largest takes half a second.
    budget.look();
    try {
      this.#regex = RE2JS.compile(`^(?s:${pattern})$`);
    } catch {
      throw new ExecutionError(`invalid regular expression in ${functionName}(): ${pattern}`);
    }
    this.#groups = this.#regex.groupCount();
    if (matchSteps(this.#states, 0, this.#groups) > MAX_MATCH_STEPS)
      throw this.#tooLarge(pattern, `${MAX_MATCH_STEPS} for states times groups`);
    budget.look();
  }

  /**
   * The match of a label's value, if all of it matches.
   * @throws ExecutionError if that may take too long
   * @throws QueryCancelledError | QueryTimeoutError
   */
  match(value: string): PatternMatch | undefined {
    const steps = matchSteps(this.#states, value.length);
    if (steps > MAX_MATCH_STEPS) throw this.#tooCostly(value.length);
    this.#budget.look();
    const matcher = this.#regex.matcher(value);
    return matcher.matches() ? matcher : undefined;
  }

  #tooLarge(pattern: string, bound: string): ExecutionError {
    return new ExecutionError(
      `regular expression in ${this.#functionName}() is too large, limit ${bound}: ${pattern.slice(0, SHOWN_LENGTH)}`,
    );
  }

  #tooCostly(length: number): ExecutionError {
    return new ExecutionError(
      `regular expression in ${this.#functionName}() is too large for a label value of ${length} characters: its ${this.#states} states times the characters may be ${MAX_MATCH_STEPS} at most`,
    );
  }
}
