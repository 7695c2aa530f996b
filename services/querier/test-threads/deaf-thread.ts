/** An evaluation thread that never looks at its cancellation: a query `read` reads all its series first, and any but `1` never ends. */
import { type MessagePort, workerData } from 'node:worker_threads';
import { connect, serve } from '@xscaler/rpc';
import type {
  EvaluationJob,
  EvaluationReply,
  EvaluatorApi,
  SelectApi,
} from '../evaluation/evaluation-api.ts';

const ports = workerData as { evaluator: MessagePort; source: MessagePort };
const source = connect<SelectApi>(ports.source, { streams: { select: true } });

async function evaluate({ query, tenant }: EvaluationJob): Promise<EvaluationReply> {
  if (query === 'read') {
    const request = { tenant, matchers: [], startMs: 0, endMs: 0, arrival: undefined, requestId: '' };
    for await (const _frame of source.select(request, new AbortController().signal));
  }
  while (query !== '1');
  return { status: 200, headers: {}, body: [], samplesRead: 0 };
}

serve<EvaluatorApi>(ports.evaluator, { evaluate });
