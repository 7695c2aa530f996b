/** Why a sample, exemplar or metadata entry isn't stored. The code is the metric's `reason`; the text is for the sender. */
export const REASONS = {
  too_old: 'timestamp is older than the out-of-order time window (out of bounds)',
  too_far_in_future: 'timestamp is too far in the future',
  no_labels: 'the series has no labels',
  empty_label_name: 'a label has an empty name',
  repeated_label_name: 'a label name occurs more than once',
  invalid_utf8: 'a label is not valid UTF-8',
  too_many_labels: 'the series has more labels than max_label_names_per_series',
  label_name_too_long: 'a label name is longer than max_label_name_length',
  label_value_too_long: 'a label value is longer than max_label_value_length',
  metric_name_too_long: 'the metric name is longer than max_metric_name_length',
  relabelling_too_costly: "a label is too long for the pattern of one of the tenant's relabelling rules",
  labels_too_long: 'the labels are longer than 1 MB in total',
  series_limit: 'the new series exceeds max_global_series_per_user',
  too_many_ha_clusters: 'the new HA cluster exceeds ha_max_clusters',
  ha_deduplicated: 'another replica of the HA pair is elected',
  point_too_large: "the data point's series do not fit one log record",
  dropped_by_relabelling: "the tenant's relabelling drops the series",
  bad_symbol_reference: 'a symbol reference is outside the symbol table',
  odd_label_references: 'a label name has no value',
  invalid_histogram: 'the native histogram is inconsistent',
  histogram_scale: "the exponential histogram's scale is too coarse",
  bucket_counts: "the histogram's buckets do not match its bounds",
  delta_temporality:
    'delta temporality is not accepted, send cumulative points or set otel_native_delta_ingestion',
  unknown_temporality: 'the aggregation temporality is neither cumulative nor delta',
  no_metric_name: 'the metric has no name that can be stored',
  no_value: 'the data point has no value',
  invalid_attribute: 'an attribute name cannot be a label name',
  exemplar_labels: "an exemplar's labels are not valid",
  exemplar_too_long: "an exemplar's labels are longer than 128 characters",
  exemplar_out_of_bounds: "an exemplar's timestamp is out of bounds",
  too_many_exemplars: 'the series has more exemplars than max_exemplars_per_series_per_minute',
  metadata_too_long: 'a help or unit text is longer than max_metadata_length',
} as const;

export type Reason = keyof typeof REASONS;

/** Parts left out on purpose, by settings: counted, but not the request's fault, and not reported to its sender. */
export const INTENDED: ReadonlySet<Reason> = new Set(['ha_deduplicated', 'dropped_by_relabelling']);

/** One refusal that the answer describes. */
interface Fault {
  readonly reason: Reason;
  /** The series, or the metric if it is about metadata. */
  readonly subject: string;
  readonly detail: string;
}

const MAX_NAMED_FAULTS = 10;
const MAX_SUBJECT_LENGTH = 400;

/** A request's refusals by reason; the first few are kept with their subject. */
export class Refusals {
  readonly samples = new Map<Reason, number>();
  readonly exemplars = new Map<Reason, number>();
  readonly metadata = new Map<Reason, number>();
  /** Of samples: those left out as intended too. */
  sampleCount = 0;
  /** Those reported to the sender. */
  faultyCount = 0;
  /** Of the samples left out as intended, those that are native histograms. */
  histogramsLeftOut = 0;
  /** Of exemplars: those left out as intended too. */
  exemplarsInAll = 0;
  /** Those reported to the sender. */
  exemplarCount = 0;
  /** Those above the tenant's limit: reported to the sender, but not the request's fault. */
  thinnedExemplars = 0;
  /** A series that lost some of them. */
  thinnedSeries = '';
  metadataCount = 0;
  /** Data points of which any sample was refused, if the format has points. */
  pointCount = 0;
  #pointIsNoted = false;
  readonly #faults: Fault[] = [];
  readonly #remarks = new Set<string>();

  /** Float samples left out as intended. */
  get samplesLeftOut(): number {
    return this.sampleCount - this.faultyCount - this.histogramsLeftOut;
  }

  get exemplarsLeftOut(): number {
    return this.exemplarsInAll - this.exemplarCount - this.thinnedExemplars;
  }

  get none(): boolean {
    return this.faultyCount === 0 && this.exemplarCount === 0 && this.metadataCount === 0;
  }

  /** `describe` is called only for the faults that the answer will name. */
  refuseSamples(reason: Reason, count: number, describe: () => string, detail = ''): void {
    if (count === 0) return;
    add(this.samples, reason, count);
    this.sampleCount += count;
    if (INTENDED.has(reason)) return;
    this.faultyCount += count;
    this.#name(reason, describe, detail);
  }

  /** Without `describe` they are only counted, since they are named with their samples. */
  refuseExemplars(reason: Reason, count: number, describe?: () => string): void {
    if (count === 0) return;
    add(this.exemplars, reason, count);
    this.exemplarsInAll += count;
    if (INTENDED.has(reason)) return;
    this.exemplarCount += count;
    if (describe !== undefined) this.#name(reason, describe, '');
  }

  /** This many exemplars of a series are above the tenant's limit. */
  thinExemplars(count: number, describe: () => string, detail: string): void {
    if (count === 0) return;
    add(this.exemplars, 'too_many_exemplars', count);
    this.exemplarsInAll += count;
    this.thinnedExemplars += count;
    if (this.thinnedSeries === '') this.thinnedSeries = shortened(describe());
    this.#name('too_many_exemplars', describe, detail);
  }

  refuseMetadata(reason: Reason, metric: string, detail: string): void {
    add(this.metadata, reason, 1);
    this.metadataCount++;
    this.#name(reason, () => metric, detail);
  }

  /** Adds a line to the answer's text, once. */
  remark(text: string): void {
    this.#remarks.add(text);
  }

  /** Begins another data point. */
  atNewPoint(): void {
    this.#pointIsNoted = false;
  }

  /** A sample of the data point was refused. */
  notePoint(): void {
    if (!this.#pointIsNoted) this.pointCount++;
    this.#pointIsNoted = true;
  }

  #name(reason: Reason, describe: () => string, detail: string): void {
    if (this.#faults.length >= MAX_NAMED_FAULTS) return;
    this.#faults.push({ reason, subject: shortened(describe()), detail });
  }

  /** The answer's text: the number stored, then each named fault on a line, then the totals by reason. */
  text(storedSamples: number): string {
    const leftOut = this.sampleCount - this.faultyCount;
    const leftOutText = leftOut === 0 ? '' : `, ${leftOut} left out`;
    const lines = [`${this.faultyCount} samples refused, ${storedSamples} stored${leftOutText}`];
    for (const { reason, subject, detail } of this.#faults) {
      lines.push(`${subject}: ${REASONS[reason]}${detail === '' ? '' : ` (${detail})`}`);
    }
    lines.push(...this.#remarks);
    const counts = [...this.samples].map(([reason, count]) => `${reason} ${count}`);
    const exemplars = this.exemplarCount + this.thinnedExemplars;
    if (exemplars > 0) counts.push(`exemplars ${exemplars}`);
    if (this.metadataCount > 0) counts.push(`metadata ${this.metadataCount}`);
    if (counts.length > 0) lines.push(`refused in all: ${counts.join(', ')}`);
    return `${lines.join('\n')}\n`;
  }
}

function shortened(subject: string): string {
  return subject.length > MAX_SUBJECT_LENGTH ? `${subject.slice(0, MAX_SUBJECT_LENGTH)}…` : subject;
}

function add(counts: Map<Reason, number>, reason: Reason, count: number): void {
  counts.set(reason, (counts.get(reason) ?? 0) + count);
}
