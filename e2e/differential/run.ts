import { Random, Xscaler } from '../harness/index.ts';
import { Comparison, type QueryTimes } from './comparison.ts';
import { type Expression, textOf } from './expression.ts';
import { RandomExpression } from './random-expression.ts';
import { ReceivingPrometheus, writeToBoth } from './receiving-prometheus.ts';
import { type DataSpan, dataSpan, seededSeries } from './seeded-data.ts';

export interface DifferentialOptions {
  readonly seed: number;
  /** Random queries, each asked as an instant and as a range query. */
  readonly count: number;
  /** Queries asked at the same time. */
  readonly concurrency: number;
  /** Asked first: what once was different. */
  readonly kept: readonly string[];
  readonly onDifference?: (difference: FoundDifference) => void;
}

export interface FoundDifference {
  readonly query: string;
  readonly shrunk: string;
  readonly times: QueryTimes;
  readonly difference: string;
}

export interface DifferentialOutcome {
  readonly queries: number;
  /** Those that both answered with at least one series. */
  readonly answered: number;
  readonly refused: number;
  /** Those if the last bits of an operand made a larger difference. */
  readonly amplified: number;
  readonly differences: readonly FoundDifference[];
}

const DATA_MINUTES = 60;
/** Queries lie within the last part of the data: ranges and offsets reach back into the rest. */
const QUERIED_MINUTES = 30;
const MAX_DEPTH = 4;

/** Writes seeded data to a Prometheus and to an xscaler of its own, and asks both the same random queries. */
export async function runDifferential(options: DifferentialOptions): Promise<DifferentialOutcome> {
  const random = new Random(options.seed);
  const span = dataSpan(Date.now(), DATA_MINUTES);
  const env = { XSCALER_LIMITS_OUT_OF_ORDER_TIME_WINDOW: '4h' };
  const [prometheus, xscaler] = await Promise.all([ReceivingPrometheus.start(), Xscaler.start({ env })]);
  try {
    const client = xscaler.client();
    await writeToBoth(seededSeries(random, span), prometheus, client);
    const run = new DifferentialRun(new Comparison(prometheus.client, client), options);
    await run.ask(keptQueries(options.kept, span));
    await run.ask(randomQueries(random, span, options.count));
    return run;
  } finally {
    await Promise.all([prometheus.dispose(), xscaler.dispose()]);
  }
}

interface Asked {
  readonly expression: Expression;
  readonly times: QueryTimes;
}

function* randomQueries(random: Random, span: DataSpan, count: number): Generator<Asked> {
  const firstMs = span.endMs - QUERIED_MINUTES * 60_000;
  for (let i = 0; i < count; i++) {
    // Half a second past a whole one: no sample and no step of a subquery stands at such a time.
    const startMs = firstMs + 500 + 1_000 * random.between(0, 600);
    const stepMs = 1_000 * [15, 30, 60, 77, 300][random.between(0, 5)];
    const endMs =
      startMs + stepMs * random.between(1, Math.floor((QUERIED_MINUTES * 60_000 - 600_000) / stepMs));
    const writer = new RandomExpression(random, startMs, endMs);
    const expression = writer.query(random.between(1, MAX_DEPTH + 1));
    yield { expression, times: { startMs, endMs, stepMs: 0 } };
    yield { expression, times: { startMs, endMs, stepMs } };
  }
}

function* keptQueries(kept: readonly string[], span: DataSpan): Generator<Asked> {
  const startMs = span.endMs - 1_200_000 + 500;
  for (const text of kept) {
    const expression: Expression = { type: 'vector', kind: 'kept', parts: [text] };
    for (const stepMs of [0, 60_000])
      yield { expression, times: { startMs, endMs: startMs + 900_000, stepMs } };
  }
}

class DifferentialRun implements DifferentialOutcome {
  queries = 0;
  answered = 0;
  refused = 0;
  amplified = 0;
  readonly differences: FoundDifference[] = [];
  readonly #comparison: Comparison;
  readonly #options: DifferentialOptions;

  constructor(comparison: Comparison, options: DifferentialOptions) {
    this.#comparison = comparison;
    this.#options = options;
  }

  async ask(queries: Iterable<Asked>): Promise<void> {
    const source = queries[Symbol.iterator]();
    const workers = Array.from({ length: this.#options.concurrency }, async () => {
      for (let next = source.next(); !next.done; next = source.next()) await this.#one(next.value);
    });
    await Promise.all(workers);
  }

  async #one({ expression, times }: Asked): Promise<void> {
    this.queries++;
    const query = textOf(expression);
    try {
      const verdict = await this.#comparison.compare(expression, times);
      if (verdict.kind === 'different') {
        const shrunk = textOf(await this.#comparison.shrink(verdict.at, verdict.times));
        this.#found({ query, shrunk, times: verdict.times, difference: verdict.difference });
        return;
      }
      if (verdict.kind === 'amplified') this.amplified++;
      if (verdict.failed) this.refused++;
      else if (verdict.series > 0) this.answered++;
    } catch (error) {
      this.#found({ query, shrunk: query, times, difference: String(error) });
    }
  }

  #found(difference: FoundDifference): void {
    this.differences.push(difference);
    this.#options.onDifference?.(difference);
  }
}
