/** Why a sample or exemplar isn't stored: the code is the metric's `reason`, the text what its sender reads. */
export const REASONS = {
  too_old: 'timestamp is older than the out-of-order time window (out of bounds)',
  too_far_in_future: 'timestamp is too far in the future',
  no_labels: 'a series without labels',
  empty_label_name: 'a label with an empty name',
  repeated_label_name: 'a label name occurs more than once',
  invalid_utf8: 'a label that is not valid UTF-8',
  too_many_labels: 'more labels than max_label_names_per_series',
  label_name_too_long: 'a label name is longer than max_label_name_length',
  label_value_too_long: 'a label value is longer than max_label_value_length',
  metric_name_too_long: 'the metric name is longer than max_metric_name_length',
  series_limit: 'a new series above max_global_series_per_user',
  native_histogram: 'native histograms are not accepted on this endpoint yet',
  exemplar_labels: "an exemplar's labels are not valid",
  exemplar_too_long: "an exemplar's labels are longer than 128 characters",
  exemplar_out_of_bounds: "an exemplar's timestamp is out of bounds",
} as const;

export type Reason = keyof typeof REASONS;

/** One refusal that the answer describes. */
interface Fault {
  readonly reason: Reason;
  readonly series: string;
  readonly detail: string;
}

const MAX_NAMED_FAULTS = 10;
const MAX_SERIES_TEXT = 400;

/** What one request's refusals add up to; the first are kept with their series' names. */
export class Refusals {
  readonly samples = new Map<Reason, number>();
  sampleCount = 0;
  exemplarCount = 0;
  readonly #faults: Fault[] = [];

  get none(): boolean {
    return this.sampleCount === 0 && this.exemplarCount === 0;
  }

  /** `describe` is called only for the faults that the answer will name. */
  refuseSamples(reason: Reason, count: number, describe: () => string, detail = ''): void {
    if (count === 0) return;
    this.samples.set(reason, (this.samples.get(reason) ?? 0) + count);
    this.sampleCount += count;
    this.#name(reason, describe, detail);
  }

  refuseExemplars(reason: Reason, count: number, describe: () => string): void {
    if (count === 0) return;
    this.exemplarCount += count;
    this.#name(reason, describe, '');
  }

  #name(reason: Reason, describe: () => string, detail: string): void {
    if (this.#faults.length >= MAX_NAMED_FAULTS) return;
    const series = describe();
    const shown = series.length > MAX_SERIES_TEXT ? `${series.slice(0, MAX_SERIES_TEXT)}…` : series;
    this.#faults.push({ reason, series: shown, detail });
  }

  /** The answer's text: how much was stored, then each named fault on a line, then what they were in all. */
  text(storedSamples: number): string {
    const lines = [`${this.sampleCount} samples refused, ${storedSamples} stored`];
    for (const { reason, series, detail } of this.#faults) {
      lines.push(`${series}: ${REASONS[reason]}${detail === '' ? '' : ` (${detail})`}`);
    }
    const counts = [...this.samples].map(([reason, count]) => `${reason} ${count}`);
    if (this.exemplarCount > 0) counts.push(`exemplars ${this.exemplarCount}`);
    lines.push(`refused in all: ${counts.join(', ')}`);
    return `${lines.join('\n')}\n`;
  }
}
