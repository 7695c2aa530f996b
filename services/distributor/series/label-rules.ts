import type { ByteWriter } from '@xscaler/encoding';
import { Labels } from '@xscaler/model';
import type { Limits } from '@xscaler/tenancy';
import { type LabelSetParser, type SeriesSource, writeLabelSet } from '@xscaler/wire/labels';
import { LabelRewriting, type RewrittenLabels } from './label-rewriting.ts';
import { type LabelSizes, labelWithValueOf, sizesOf } from './label-sizes.ts';
import { DROPPED_BY_RELABELLING, Refusal } from './refusal.ts';
import { TextTooLongError } from './relabelling.ts';

/** Whatever the limits are, a series must fit a record. */
const LABELS_MAX_BYTES = 1024 * 1024;

/** The limits on labels. A change of any of them has every known series checked again. */
const LABEL_LIMITS = [
  'max_label_names_per_series',
  'max_label_name_length',
  'max_label_value_length',
  'max_metric_name_length',
] as const;

type LabelLimits = Pick<Limits, (typeof LABEL_LIMITS)[number]>;

/** Where a series' labels are. */
export type SeriesLabels = Pick<SeriesSource, 'labelBytes' | 'labelsStart' | 'labelsEnd'>;

/** The labels that are stored of a series, and the HA replica that sends it. */
export interface StoredPairs extends RewrittenLabels {
  readonly isRefused?: false;
}

/** A tenant's rules about labels: how they are rewritten, and what limits they must keep. */
export class LabelRules {
  readonly #parser: LabelSetParser;
  readonly #rewriting: LabelRewriting;
  #limits: LabelLimits;

  constructor(limits: Limits, parser: LabelSetParser) {
    this.#limits = limits;
    this.#parser = parser;
    this.#rewriting = new LabelRewriting(limits);
  }

  isUnder(limits: Limits): boolean {
    return limits === this.#limits;
  }

  /** Whether labels are rewritten the same way under other limits. */
  rewriteLike(limits: Limits): boolean {
    return this.#rewriting.isBy(limits);
  }

  /** Takes over changed limits that rewrite labels the same way. Returns whether labels must be checked again. */
  update(limits: Limits): boolean {
    const before = this.#limits;
    this.#limits = limits;
    return LABEL_LIMITS.some((name) => before[name] !== limits[name]);
  }

  /**
   * The labels to store, valid until the next call.
   * @throws DecodeError if the bytes aren't labels
   */
  judge({ labelBytes, labelsStart, labelsEnd }: SeriesLabels): StoredPairs | Refusal {
    const bytes = labelsEnd - labelsStart;
    if (bytes > LABELS_MAX_BYTES) return new Refusal('labels_too_long', `${bytes} bytes`);
    const parser = this.#parser;
    parser.parse(labelBytes, labelsStart, labelsEnd);
    const { fault, faultyName, pairs } = parser;
    if (fault !== undefined) return new Refusal(fault, faultyName === '' ? '' : JSON.stringify(faultyName));
    const stored = this.#rewrite(pairs);
    if (stored instanceof Refusal) return stored;
    return this.#overLimit(stored.pairs, stored.pairs === pairs ? parser : sizesOf(stored.pairs)) ?? stored;
  }

  /** Whether the series judged last is stored with the bytes received. */
  isNormalised({ pairs }: StoredPairs): boolean {
    return pairs === this.#parser.pairs && this.#parser.normalised;
  }

  /** The labels judged last, to be kept. */
  take({ pairs }: StoredPairs): Labels {
    const parser = this.#parser;
    return Labels.fromSorted(pairs === parser.pairs ? parser.takePairs() : pairs);
  }

  /** Writes the labels to store of a series that was judged before, in normal form. */
  write({ labelBytes, labelsStart, labelsEnd }: SeriesLabels, to: ByteWriter): void {
    const parser = this.#parser;
    parser.parse(labelBytes, labelsStart, labelsEnd);
    writeLabelSet(this.#rewriting.rewrite(parser.pairs)?.pairs ?? parser.pairs, to);
  }

  #rewrite(pairs: readonly string[]): StoredPairs | Refusal {
    try {
      return this.#rewriting.rewrite(pairs) ?? DROPPED_BY_RELABELLING;
    } catch (error) {
      if (error instanceof TextTooLongError) return new Refusal('relabelling_too_costly', error.message);
      throw error;
    }
  }

  #overLimit(pairs: readonly string[], sizes: LabelSizes): Refusal | undefined {
    const limits = this.#limits;
    const labelCount = pairs.length / 2;
    if (labelCount > limits.max_label_names_per_series) {
      return over('too_many_labels', labelCount, limits.max_label_names_per_series);
    }
    if (sizes.metricNameBytes > limits.max_metric_name_length) {
      return over('metric_name_too_long', sizes.metricNameBytes, limits.max_metric_name_length);
    }
    if (sizes.longestNameBytes > limits.max_label_name_length) {
      return over('label_name_too_long', sizes.longestNameBytes, limits.max_label_name_length);
    }
    if (sizes.longestValueBytes > limits.max_label_value_length) {
      // The answer shortens the series and may cut this label off.
      const label = JSON.stringify(labelWithValueOf(pairs, sizes.longestValueBytes));
      const detail = `${label} has ${sizes.longestValueBytes} of ${limits.max_label_value_length}`;
      return new Refusal('label_value_too_long', detail);
    }
    return undefined;
  }
}

function over(
  reason: 'too_many_labels' | 'metric_name_too_long' | 'label_name_too_long',
  count: number,
  limit: number,
): Refusal {
  return new Refusal(reason, `${count} of ${limit}`);
}
