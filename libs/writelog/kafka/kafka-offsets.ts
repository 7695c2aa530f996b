import { WriteLogError } from '../write-log.ts';
import { Backoff, type KafkaClient } from './kafka-client.ts';
import { type LogEdge, listOffsetsRequest } from './kafka-requests.ts';
import { kafkaCode } from './kafkajs-inside.ts';

const REQUEST_TIMEOUT_MS = 3_000;

interface Question {
  readonly partition: number;
  readonly resolve: (offset: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Where partitions begin and end, asked of their leaders. Questions of one turn of the event loop travel together,
 * one request a broker; each is sent after it was asked, so an answer knows every append acknowledged before.
 */
export class KafkaOffsets {
  readonly #client: KafkaClient;
  readonly #timeoutMs: number;
  readonly #asked: Record<LogEdge, Question[]> = { start: [], end: [] };
  readonly #stop = new AbortController();

  /** @param timeoutMs how long a question is asked again */
  constructor(client: KafkaClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /** @throws WriteLogError `unavailable` if no leader answers in time, `closed` after `close` */
  ask(partition: number, edge: LogEdge): Promise<number> {
    return new Promise((resolve, reject) => {
      const asked = this.#asked[edge];
      asked.push({ partition, resolve, reject });
      if (asked.length > 1) return;
      setImmediate(() => {
        this.#asked[edge] = [];
        void this.#answer(asked, edge);
      });
    });
  }

  /** Ends the questions that wait. The client stays open. */
  close(): void {
    this.#stop.abort();
  }

  async #answer(asked: readonly Question[], edge: LogEdge): Promise<void> {
    const deadlineMs = performance.now() + this.#timeoutMs;
    const backoff = new Backoff();
    let open = asked;
    for (;;) {
      const round = await Promise.all(this.#byLeader(open).map((own) => this.#askLeader(own, edge)));
      open = round.flatMap(({ unanswered }) => unanswered);
      if (open.length === 0) return;
      if (this.#stop.signal.aborted || performance.now() > deadlineMs) {
        const cause = round.find(({ unanswered }) => unanswered.length > 0)?.cause;
        for (const question of open) question.reject(this.#errorOf(question, edge, cause));
        return;
      }
      // An abort ends the wait, and the round after it is the last.
      await backoff.waitAndRefresh(this.#client, this.#stop.signal).catch(() => {});
    }
  }

  #byLeader(open: readonly Question[]): Question[][] {
    return [...Map.groupBy(open, ({ partition }) => this.#client.leaderOf(partition)).values()];
  }

  /** @returns the questions that have no answer yet, and one reason */
  async #askLeader(asked: readonly Question[], edge: LogEdge): Promise<Round> {
    const partitions = [...new Set(asked.map(({ partition }) => partition))];
    const request = listOffsetsRequest(this.#client.options.topic, partitions, edge);
    try {
      const answers = await this.#client.sendToLeader(partitions[0], request, REQUEST_TIMEOUT_MS);
      const unanswered: Question[] = [];
      let cause: unknown;
      for (const question of asked) {
        const answer = answers.find(({ partition }) => partition === question.partition);
        if (answer?.errorCode === 0) {
          question.resolve(answer.offset);
          continue;
        }
        unanswered.push(question);
        if (answer) cause = kafkaCode(answer.errorCode);
      }
      return { unanswered, cause };
    } catch (cause) {
      return { unanswered: asked, cause };
    }
  }

  #errorOf({ partition }: Question, edge: LogEdge, cause: unknown): WriteLogError {
    if (this.#stop.signal.aborted) return new WriteLogError('closed', 'the log is closed');
    const reason = cause instanceof Error ? cause.message : 'no answer';
    return new WriteLogError('unavailable', `the ${edge} of partition ${partition}: ${reason}`, { cause });
  }
}

interface Round {
  readonly unanswered: readonly Question[];
  readonly cause: unknown;
}
