/** A stream that was started before its turn, with its first value on the way. */
interface Started<T> {
  readonly iterator: AsyncIterator<T>;
  readonly first: Promise<IteratorResult<T>>;
}

/**
 * The values of all streams, one stream after the other. `concurrency` of them run at once; each but the current one
 * has read only its first value. The rest is ended when the reader leaves or a stream fails.
 */
export async function* streamsInTurn<T>(
  streams: Iterable<AsyncIterable<T>>,
  concurrency: number,
): AsyncGenerator<T, void, void> {
  const waiting = streams[Symbol.iterator]();
  const started: Started<T>[] = [];
  const startMore = () => {
    while (started.length < concurrency) {
      const next = waiting.next();
      if (next.done) return;
      const iterator = next.value[Symbol.asyncIterator]();
      const first = iterator.next();
      first.catch(() => {}); // it is heard of when its turn comes
      started.push({ iterator, first });
    }
  };
  try {
    for (startMore(); started.length > 0; startMore()) {
      const [{ iterator, first }] = started;
      for (let step = await first; !step.done; step = await iterator.next()) yield step.value;
      started.shift();
    }
  } finally {
    for (const { iterator } of started) iterator.return?.().catch(() => {});
  }
}
