import { compareUtf8 } from './utf8-order.ts';

/** The label that holds the metric name. */
export const METRIC_NAME = '__name__';

/**
 * An immutable set of label pairs, sorted by name in UTF-8 byte order, no name twice, no value empty
 * (an empty value means an absent label, as in Prometheus).
 *
 * `pairs` is flat: name, value, name, value, …
 */
export class Labels implements Iterable<[string, string]> {
  static readonly EMPTY = new Labels([]);

  readonly pairs: readonly string[];
  #key: string | undefined;

  private constructor(pairs: readonly string[]) {
    this.pairs = pairs;
  }

  /** Takes pairs that the caller knows to be sorted, distinct and non-empty; keeps the array. */
  static fromSorted(pairs: readonly string[]): Labels {
    return new Labels(pairs);
  }

  /** Sorts; drops empty values; of a repeated name the last value stands. */
  static from(pairs: Iterable<readonly [string, string]>): Labels {
    const byName = new Map<string, string>();
    for (const [name, value] of pairs) byName.set(name, value);
    const names = [...byName.keys()].filter((name) => byName.get(name) !== '').sort(compareUtf8);
    return new Labels(names.flatMap((name) => [name, byName.get(name) as string]));
  }

  static of(record: Record<string, string>): Labels {
    return Labels.from(Object.entries(record));
  }

  get size(): number {
    return this.pairs.length / 2;
  }

  /** The value of a label, or '' if it is absent. */
  get(name: string): string {
    const pairs = this.pairs;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1];
    return '';
  }

  get metricName(): string {
    return this.get(METRIC_NAME);
  }

  /** With one label set, or removed if `value` is ''. */
  with(name: string, value: string): Labels {
    return Labels.from([...this, [name, value]]);
  }

  /** Only the labels for whose names `keep` is true. */
  filter(keep: (name: string) => boolean): Labels {
    const pairs: string[] = [];
    for (const [name, value] of this) if (keep(name)) pairs.push(name, value);
    return pairs.length === this.pairs.length ? this : new Labels(pairs);
  }

  without(...names: string[]): Labels {
    return this.filter((name) => !names.includes(name));
  }

  /** A string that two label sets share exactly if they are equal. */
  get key(): string {
    if (this.#key === undefined) {
      let key = '';
      for (const text of this.pairs) key += `${text.length}:${text}`;
      this.#key = key;
    }
    return this.#key;
  }

  equals(other: Labels): boolean {
    return this === other || this.key === other.key;
  }

  /** Prometheus' order: name by name, value by value, shorter first. */
  compare(other: Labels): number {
    const shared = Math.min(this.pairs.length, other.pairs.length);
    for (let i = 0; i < shared; i++) {
      const order = compareUtf8(this.pairs[i], other.pairs[i]);
      if (order !== 0) return order;
    }
    return this.pairs.length - other.pairs.length;
  }

  *[Symbol.iterator](): Iterator<[string, string]> {
    for (let i = 0; i < this.pairs.length; i += 2) yield [this.pairs[i], this.pairs[i + 1]];
  }

  toRecord(): Record<string, string> {
    return Object.fromEntries(this);
  }

  /** `{name="value", …}`, all labels inside the braces. */
  toString(): string {
    return `{${[...this].map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}}`;
  }
}
