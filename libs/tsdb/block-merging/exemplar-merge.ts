import { type Exemplar, exemplarKey } from '@xscaler/model';
import { EXEMPLAR_RUN } from '../block-writing/exemplar-parts.ts';
import type { ExemplarRun, OpenInput } from './merge-input.ts';

/** Exemplars of all inputs by span, series of the merge and time, each once; of one time those of the first input first. */
export async function* mergeExemplars(
  inputs: readonly OpenInput[],
  signal: AbortSignal,
): AsyncGenerator<ExemplarRun, void, void> {
  const streams = inputs.map((input) => new ExemplarStream(input));
  for (const stream of streams) await stream.load();
  for (;;) {
    let least = streams[0];
    for (const stream of streams) if (comparePlaces(stream, least) < 0) least = stream;
    const { span, series } = least;
    if (span === Number.POSITIVE_INFINITY) return;
    signal.throwIfAborted();
    const ofSeries = streams.filter((stream) => comparePlaces(stream, least) === 0);
    for await (const exemplars of mergeSeries(ofSeries, span, series)) yield { span, series, exemplars };
  }
}

/** What the streams have of the series in the span, a run at a time. */
async function* mergeSeries(
  streams: readonly ExemplarStream[],
  span: number,
  series: number,
): AsyncGenerator<readonly Exemplar[], void, void> {
  let run: Exemplar[] = [];
  const isThere = (stream: ExemplarStream) => stream.span === span && stream.series === series;
  for (;;) {
    let timeMs = Number.POSITIVE_INFINITY;
    for (const stream of streams) if (isThere(stream)) timeMs = Math.min(timeMs, stream.timeMs);
    if (timeMs === Number.POSITIVE_INFINITY) break;
    const ofTime = new Map<string, Exemplar>();
    for (const stream of streams) {
      while (isThere(stream) && stream.timeMs === timeMs) {
        const key = exemplarKey(stream.exemplar);
        if (!ofTime.has(key)) ofTime.set(key, stream.exemplar);
        if (!stream.advance()) await stream.load();
      }
    }
    for (const one of ofTime.values()) {
      run.push(one);
      if (run.length < EXEMPLAR_RUN) continue;
      yield run;
      run = [];
    }
  }
  if (run.length > 0) yield run;
}

/** Walks the exemplars of an input in the order of the merge. */
class ExemplarStream {
  /** +Infinity behind the last. */
  span = Number.POSITIVE_INFINITY;
  /** Its number in the merge. */
  series = 0;
  readonly #input: OpenInput;
  readonly #runs: AsyncGenerator<ExemplarRun, void, void>;
  #exemplars: readonly Exemplar[] = [];
  #at = 0;

  constructor(input: OpenInput) {
    this.#input = input;
    this.#runs = input.exemplars();
  }

  get exemplar(): Exemplar {
    return this.#exemplars[this.#at];
  }

  get timeMs(): number {
    return this.exemplar.timestampMs;
  }

  /** Moves to the next of the run; false behind its last: then `load`. */
  advance(): boolean {
    return ++this.#at < this.#exemplars.length;
  }

  async load(): Promise<void> {
    const step = await this.#runs.next();
    this.#at = 0;
    this.#exemplars = step.done ? [] : step.value.exemplars;
    this.span = step.done ? Number.POSITIVE_INFINITY : step.value.span;
    this.series = step.done ? 0 : this.#input.seriesNumbers[step.value.series];
  }
}

function comparePlaces(a: ExemplarStream, b: ExemplarStream): number {
  if (a.span !== b.span) return a.span < b.span ? -1 : 1;
  return a.series - b.series;
}
