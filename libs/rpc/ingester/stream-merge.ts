/** What a source of a merge did last. */
export type MergeStep<Source, T> =
  | { readonly source: Source; readonly kind: 'value'; readonly value: T }
  | { readonly source: Source; readonly kind: 'end' }
  | { readonly source: Source; readonly kind: 'failure'; readonly error: unknown };

/**
 * Several streams read at once, each one value ahead at most; sources can be added while it runs. Values of one
 * source come in its order. (A race of promises over and over would leave a reaction on the slowest one each time.)
 */
export class StreamMerge<Source, T> {
  readonly #iterators = new Map<Source, AsyncIterator<T>>();
  readonly #ready: MergeStep<Source, T>[] = [];
  #wake: (() => void) | undefined;

  add(source: Source, stream: AsyncIterable<T>): void {
    this.#iterators.set(source, stream[Symbol.asyncIterator]());
    this.#advance(source);
  }

  /** The next thing that any source does; undefined when all have ended or failed. */
  async next(): Promise<MergeStep<Source, T> | undefined> {
    if (this.#iterators.size === 0) return undefined;
    while (this.#ready.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const step = this.#ready.shift()!;
    if (step.kind !== 'value') this.#iterators.delete(step.source);
    return step;
  }

  /** Asks a source whose value has been used for its next one. */
  proceed(source: Source): void {
    this.#advance(source);
  }

  /** Leaves all streams that still run. */
  close(): void {
    for (const iterator of this.#iterators.values()) iterator.return?.().catch(() => {});
    this.#iterators.clear();
  }

  #advance(source: Source): void {
    const iterator = this.#iterators.get(source);
    iterator?.next().then(
      ({ done, value }) =>
        this.#push(done === true ? { source, kind: 'end' } : { source, kind: 'value', value }),
      (error) => this.#push({ source, kind: 'failure', error }),
    );
  }

  #push(step: MergeStep<Source, T>): void {
    this.#ready.push(step);
    this.#wake?.();
    this.#wake = undefined;
  }
}
