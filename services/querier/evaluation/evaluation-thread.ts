/** Entry point of an evaluation thread: parses, selects through its querier, evaluates, renders. */
import { type MessagePort, workerData } from 'node:worker_threads';
import {
  encodeResult,
  evaluateInstant,
  evaluateRange,
  QueryMemory,
  type QueryResult,
  SharedCancellation,
} from '@xscaler/promql';
import { connect, serve } from '@xscaler/rpc';
import { dropBootLeftovers } from '@xscaler/runtime/boot-leftovers';
import type { EvaluationJob, EvaluationReply, EvaluatorApi, SelectApi } from './evaluation-api.ts';
import { evaluationFailure } from './evaluation-failure.ts';
import { FrameQueryable } from './frame-queryable.ts';
import { answerRemoteRead } from './remote-read-answer.ts';
import { renderAnswer } from './rendered-answer.ts';
import { limited } from './result-limit.ts';

const ports = workerData as { evaluator: MessagePort; source: MessagePort };
const source = connect<SelectApi>(ports.source, { streams: { select: true } });

/** Kept for the next query, each of columns and answers, and how long after the last query. */
const MAX_KEPT_BYTES = 32 * 1024 * 1024;
const KEPT_MS = 10_000;

const memory = new QueryMemory(MAX_KEPT_BYTES);
let dropping: NodeJS.Timeout | undefined;

async function evaluate(job: EvaluationJob): Promise<EvaluationReply> {
  clearTimeout(dropping);
  const cancellation = new SharedCancellation(job.cancellation);
  try {
    if (job.remoteRead) {
      const queryable = new FrameQueryable(source, job, cancellation);
      return await answerRemoteRead(job.remoteRead, queryable, job.limits, cancellation);
    }
    const result = await resultOf(job, cancellation);
    const { result: shown, truncated } = limited(result, job.resultLimit);
    const data = encodeResult(shown, {
      cancellation,
      maxBytes: job.limits.max_query_response_size_bytes,
      memory,
    });
    return renderAnswer(shown, data, {
      stats: job.stats,
      queuedMs: job.queuedMs,
      warnings: truncated ? ['results truncated due to limit'] : [],
    });
  } catch (error) {
    return evaluationFailure(error);
  } finally {
    memory.reclaim();
    dropping = setTimeout(() => memory.drop(), KEPT_MS);
  }
}

function resultOf(job: EvaluationJob, cancellation: SharedCancellation): Promise<QueryResult> {
  const { lookbackDeltaMs, limits, startMs, endMs, stepMs } = job;
  const queryable = new FrameQueryable(source, job, cancellation);
  const clock = () => performance.now();
  const options = { queryable, cancellation, memory, lookbackDeltaMs, limits, clock };
  return stepMs === 0
    ? evaluateInstant(job.query, { ...options, timeMs: startMs })
    : evaluateRange(job.query, { ...options, startMs, endMs, stepMs });
}

serve<EvaluatorApi>(ports.evaluator, { evaluate }, { copies: true });
setImmediate(dropBootLeftovers);
