import { setImmediate } from 'node:timers/promises';
import type { Matcher } from '@xscaler/model';
import { type IngesterExemplars, type IngesterRead, RpcError } from '@xscaler/rpc';
import { bytesOfExemplars, bytesOfTexts } from '@xscaler/tsdb';
import { exemplarsOf } from './masked-heads.ts';
import type { HeldHead } from './partition-heads.ts';

/** Exemplars per turn of the thread: a millisecond or two. */
const STEP_EXEMPLARS = 2_000;

/** The exemplars of heads, which stay readable meanwhile. Rejects with an `RpcError` `too_large` above the read's `maxBytes`. */
export async function exemplarAnswer(
  heads: readonly HeldHead[],
  matchers: readonly Matcher[][],
  { startMs, endMs, maxBytes = Number.POSITIVE_INFINITY }: IngesterRead,
  signal: AbortSignal,
): Promise<IngesterExemplars[]> {
  const answer: IngesterExemplars[] = [];
  let bytes = 0;
  let step = 0;
  for (const { head } of heads) head.pin();
  try {
    for (const held of heads) {
      for (const { labels, exemplars } of exemplarsOf(held, matchers, startMs, endMs)) {
        bytes += bytesOfTexts(labels.pairs) + bytesOfExemplars(exemplars);
        if (bytes > maxBytes) throw new RpcError('too_large', `exemplars of more than ${maxBytes} bytes`);
        answer.push({
          labels: labels.pairs,
          exemplars: exemplars.map((one) => ({ ...one, labels: one.labels.pairs })),
        });
        step += exemplars.length;
        if (step < STEP_EXEMPLARS) continue;
        step = 0;
        await setImmediate();
        signal.throwIfAborted();
      }
    }
  } finally {
    for (const { head } of heads) head.unpin();
  }
  return answer;
}
