import { setTimeout as sleep } from 'node:timers/promises';
import { WriteLogError } from '../write-log.ts';
import type { KafkaAccess } from './kafka-access.ts';
import { KafkaConnection } from './kafka-connection.ts';
import { metadataRequest, type TopicMetadata } from './kafka-metadata.ts';
import type { ApiRequest } from './kafkajs-inside.ts';

export interface KafkaClientOptions {
  /** `host:port` of some brokers; they name the others. */
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly clientId: string;
  /** TLS and SASL; neither if absent. */
  readonly access?: KafkaAccess;
}

const METADATA_TIMEOUT_MS = 3_000;

/**
 * The brokers of one topic: who leads which partition, and a connection to each broker that is asked something.
 *
 * A broker answers the requests of one connection one after another, and a fetch or a produce waits: whatever must not
 * wait for another has a client of its own.
 */
export class KafkaClient {
  readonly options: KafkaClientOptions;
  #metadata: TopicMetadata;
  #leaders: ReadonlyMap<number, number>;
  readonly #connections = new Map<string, KafkaConnection>();
  #refreshing: Promise<void> | undefined;
  #closedBy: Error | undefined;

  constructor(
    options: KafkaClientOptions,
    metadata: TopicMetadata = { errorCode: 0, topicId: undefined, nodes: [], partitions: [] },
  ) {
    this.options = options;
    this.#metadata = metadata;
    this.#leaders = leadersOf(metadata);
  }

  /** Another client that knows what this one knows. */
  another(): KafkaClient {
    return new KafkaClient(this.options, this.metadata);
  }

  /** What a broker said last. */
  get metadata(): TopicMetadata {
    return this.#metadata;
  }

  /** Takes over what another client has heard. */
  learn(metadata: TopicMetadata): void {
    this.#metadata = metadata;
    this.#leaders = leadersOf(metadata);
  }

  /** The node that leads a partition; undefined if nobody does, as far as is known. */
  leaderOf(partition: number): number | undefined {
    return this.#leaders.get(partition);
  }

  /**
   * Asks all brokers that are known for the topic's metadata; the first answer counts, because one that is paused or
   * cut off must not keep the others waiting. Calls at the same time share one round.
   * @throws Error if none answers
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const addresses = new Set([
      ...this.options.brokers,
      ...this.metadata.nodes.map(({ address }) => address),
    ]);
    const request = metadataRequest(this.options.topic);
    try {
      this.learn(
        await Promise.any(
          [...addresses].map((address) => this.#sendTo(address, request, METADATA_TIMEOUT_MS)),
        ),
      );
    } catch (error) {
      const [first] = error instanceof AggregateError ? error.errors : [error];
      throw new Error(`no broker answers at ${[...addresses].join(', ')}: ${first.message}`, {
        cause: first,
      });
    }
  }

  /** @throws Error if the connection is lost or `timeoutMs` pass: the request may have been carried out */
  async send<Answer>(nodeId: number, request: ApiRequest<Answer>, timeoutMs: number): Promise<Answer> {
    const node = this.metadata.nodes.find((found) => found.nodeId === nodeId);
    if (node === undefined) throw new Error(`broker ${nodeId} is not among those that are up`);
    return this.#sendTo(node.address, request, timeoutMs);
  }

  /** To the leader of a partition. */
  async sendToLeader<Answer>(
    partition: number,
    request: ApiRequest<Answer>,
    timeoutMs: number,
  ): Promise<Answer> {
    const leader = this.leaderOf(partition);
    if (leader === undefined) throw new Error(`partition ${partition} has no leader`);
    return this.send(leader, request, timeoutMs);
  }

  /** To one of the brokers, if it doesn't matter which. */
  async sendToAny<Answer>(request: ApiRequest<Answer>, timeoutMs: number): Promise<Answer> {
    const { nodes } = this.metadata;
    if (nodes.length === 0) throw new Error('no broker is known to be up');
    const { nodeId } = nodes[Math.floor(Math.random() * nodes.length)];
    return this.send(nodeId, request, timeoutMs);
  }

  /** Ends all connections; requests that wait fail with `reason`, later ones too. */
  close(reason: Error): void {
    this.#closedBy ??= reason;
    for (const connection of this.#connections.values()) connection.destroy(reason);
    this.#connections.clear();
  }

  async #sendTo<Answer>(address: string, request: ApiRequest<Answer>, timeoutMs: number): Promise<Answer> {
    if (this.#closedBy) throw this.#closedBy;
    let connection = this.#connections.get(address);
    if (!connection?.isUsable) {
      connection = new KafkaConnection(address, this.options.clientId, this.options.access);
      this.#connections.set(address, connection);
    }
    return connection.send(request, timeoutMs);
  }
}

/** Partitions whose leader is up. */
function leadersOf({ nodes, partitions }: TopicMetadata): Map<number, number> {
  const up = new Set(nodes.map(({ nodeId }) => nodeId));
  const leaders = new Map<number, number>();
  for (const { partition, leader } of partitions)
    if (leader !== undefined && up.has(leader)) leaders.set(partition, leader);
  return leaders;
}

/** @throws WriteLogError `log_replaced` if the topic, as far as the client knows, isn't the one that has the id */
export function requireTopic({ metadata, options }: KafkaClient, topicId: string | undefined): void {
  const found = metadata.topicId;
  if (found === undefined || topicId === undefined || found === topicId) return;
  throw new WriteLogError(
    'log_replaced',
    `topic ${options.topic} was deleted and created again: its id is ${found}, it was ${topicId}`,
  );
}

const FIRST_DELAY_MS = 20;
const LONGEST_DELAY_MS = 1_000;

/** Waits longer from one failure to the next, up to a second. */
export class Backoff {
  #delayMs = FIRST_DELAY_MS;

  reset(): void {
    this.#delayMs = FIRST_DELAY_MS;
  }

  /**
   * Waits, then asks who leads what now; that the brokers don't answer is not a failure yet.
   * @throws AbortError if `signal` aborts while it waits
   */
  async waitAndRefresh(client: KafkaClient, signal: AbortSignal): Promise<void> {
    const delayMs = this.#delayMs;
    this.#delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS);
    // Some jitter: many clients lose the same broker at the same moment.
    await sleep(delayMs * (0.5 + Math.random()), undefined, { signal });
    await client.refresh().catch(() => {});
  }
}
