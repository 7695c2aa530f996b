import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from '../harness/index.ts';
import { brokerJars, uuid } from './broker-jars.ts';
import { brokersSeenFrom } from './broker-probe.ts';
import { CuttingProxy } from './cutting-proxy.ts';
import { type BrokerPorts, type ClientProtocol, KafkaBroker, type ScramUser } from './kafka-broker.ts';

const READY_WITHIN_MS = 120_000;
const STOP_WITHIN_MS = 3_000;

export interface KafkaClusterOptions {
  /** One by default. */
  readonly brokers?: number;
  /** Clients reach each broker through a proxy that can cut their connections. */
  readonly withProxies?: boolean;
  /** Further broker settings by name. */
  readonly properties?: Readonly<Record<string, string>>;
  /** What clients must speak; plain text by default. */
  readonly clientProtocol?: ClientProtocol;
  /** Users that may come in by SCRAM. */
  readonly scramUsers?: readonly ScramUser[];
}

/** Real brokers in KRaft mode, each also a controller, on loopback ports that stay the same over restarts. */
export class KafkaCluster {
  readonly brokers: readonly KafkaBroker[];
  readonly #folder: string;

  private constructor(brokers: readonly KafkaBroker[], folder: string) {
    this.brokers = brokers;
    this.#folder = folder;
  }

  /** Started and ready. */
  static async start(options: KafkaClusterOptions = {}): Promise<KafkaCluster> {
    const cluster = await KafkaCluster.#create(options);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  static async #create(options: KafkaClusterOptions): Promise<KafkaCluster> {
    const jars = brokerJars();
    const folder = mkdtempSync(join(tmpdir(), 'xscaler-kafka-'));
    const clusterId = uuid();
    const ports: BrokerPorts[] = [];
    for (let i = 0; i < (options.brokers ?? 1); i++)
      ports.push(await brokerPorts(options.withProxies ?? false));
    const voters = ports.map(({ controller }, i) => `${i + 1}@127.0.0.1:${controller}`).join(',');
    const brokers: KafkaBroker[] = [];
    for (const [i, own] of ports.entries()) {
      const id = i + 1;
      brokers.push(
        new KafkaBroker({
          id,
          clusterId,
          ports: own,
          voters,
          jars,
          folder: join(folder, `broker-${id}`),
          properties: options.properties ?? {},
          clientProtocol: options.clientProtocol ?? 'PLAINTEXT',
          scramUsers: options.scramUsers ?? [],
          proxy: options.withProxies ? await CuttingProxy.listen(own.advertised, own.client) : undefined,
        }),
      );
    }
    return new KafkaCluster(brokers, folder);
  }

  /** `host:port` of each broker. */
  get addresses(): string[] {
    return this.brokers.map(({ address }) => address);
  }

  broker(id: number): KafkaBroker {
    const found = this.brokers.find((broker) => broker.id === id);
    if (!found) throw new Error(`there is no broker ${id}`);
    return found;
  }

  /** Starts every broker that isn't running and waits until all are ready. */
  async start(): Promise<void> {
    for (const broker of this.brokers) if (!broker.isRunning) broker.start();
    await this.untilReady();
  }

  /**
   * Waits until every running broker answers and knows of all that run.
   * @throws Error with a broker's output if it ends or takes too long
   */
  async untilReady(): Promise<void> {
    const deadline = Date.now() + READY_WITHIN_MS;
    const expected = this.brokers.filter(({ isRunning }) => isRunning).length;
    for (const broker of this.brokers) {
      if (!broker.isRunning) continue;
      for (;;) {
        const seen = await brokersSeenFrom(broker.ports.internal).catch(() => 0);
        if (seen >= expected) break;
        if (broker.isRunning && Date.now() < deadline) await sleep(100);
        else throw new Error(`broker ${broker.id} isn't ready, it sees ${seen}:\n${broker.output}`);
      }
    }
  }

  /**
   * SIGTERM for all brokers, and SIGKILL some seconds later, as machines do that go down: the last ones look for a
   * quorum to sign off from and find none.
   */
  async stop(): Promise<void> {
    const stopping = Promise.all(this.brokers.map((broker) => broker.stop()));
    await Promise.race([stopping, sleep(STOP_WITHIN_MS)]);
    await this.kill();
  }

  /** SIGKILL for all brokers. */
  async kill(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.kill()));
  }

  /** Ends everything and takes the data away. */
  async dispose(): Promise<void> {
    await this.kill();
    await Promise.all(this.brokers.map(({ proxy }) => proxy?.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function brokerPorts(hasProxy: boolean): Promise<BrokerPorts> {
  const client = await stablePort();
  return {
    client,
    advertised: hasProxy ? await stablePort() : client,
    internal: await stablePort(),
    controller: await stablePort(),
  };
}

const taken = new Set<number>();

/**
 * A free port that stays free while its broker is down: below the range from which systems give ports to
 * outgoing connections.
 */
async function stablePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    if (taken.has(port) || !(await isFree(port))) continue;
    taken.add(port);
    return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
