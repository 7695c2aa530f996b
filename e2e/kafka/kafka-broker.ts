import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunningProgram } from '../harness/index.ts';
import { type BrokerJars, formatData, JVM, uuid } from './broker-jars.ts';
import type { CuttingProxy } from './cutting-proxy.ts';

/** The ports of one broker, all of the loopback. `advertised` is where clients are sent: the broker's or its proxy's. */
export interface BrokerPorts {
  readonly client: number;
  readonly advertised: number;
  readonly internal: number;
  readonly controller: number;
}

export interface BrokerOptions {
  readonly id: number;
  readonly clusterId: string;
  readonly ports: BrokerPorts;
  /** `id@host:port` of every controller, by commas. */
  readonly voters: string;
  readonly folder: string;
  readonly jars: BrokerJars;
  readonly properties: Readonly<Record<string, string>>;
  /** What the clients' listener speaks. */
  readonly clientProtocol: ClientProtocol;
  readonly scramUsers: readonly ScramUser[];
  readonly proxy: CuttingProxy | undefined;
}

export type ClientProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';

export interface ScramUser {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly name: string;
  readonly password: string;
}

const LOGGING = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
];

/** One broker and controller as a process, on data that outlives it. */
export class KafkaBroker {
  readonly id: number;
  readonly ports: BrokerPorts;
  /** Stands between clients and this broker if the cluster was started with proxies. */
  readonly proxy: CuttingProxy | undefined;
  readonly #options: BrokerOptions;
  readonly #properties: string;
  #program: RunningProgram | undefined;

  constructor(options: BrokerOptions) {
    this.id = options.id;
    this.ports = options.ports;
    this.proxy = options.proxy;
    this.#options = options;
    this.#properties = join(options.folder, 'server.properties');
    this.#format();
  }

  /** Where clients find it. */
  get address(): string {
    return `127.0.0.1:${this.ports.advertised}`;
  }

  get isRunning(): boolean {
    return this.#program?.isRunning ?? false;
  }

  /** What it has printed since it was started: warnings and errors. */
  get output(): string {
    return this.#program?.output ?? '';
  }

  /** Starts the process; `KafkaCluster.untilReady` waits until it answers. */
  start(): void {
    if (this.isRunning) throw new Error(`broker ${this.id} is running`);
    const { classPath, classArchive } = this.#options.jars;
    const java = [`-XX:SharedArchiveFile=${classArchive}`, ...JVM, ...LOGGING];
    java.push('-cp', classPath, 'kafka.Kafka', this.#properties);
    // A broker goes when this process goes, however it goes.
    this.#program = new RunningProgram('setpriv', ['--pdeathsig=KILL', '--', 'java', ...java]);
  }

  /** SIGKILL: nothing is flushed, nobody is told. */
  async kill(): Promise<void> {
    await this.#program?.end('SIGKILL');
  }

  /** The orderly stop: it hands its partitions over first. */
  async stop(): Promise<void> {
    await this.#program?.end('SIGTERM');
  }

  /** It stands still: connections stay open and nothing answers. */
  pause(): void {
    this.#signal('SIGSTOP');
  }

  resume(): void {
    this.#signal('SIGCONT');
  }

  #signal(name: NodeJS.Signals): void {
    if (!this.#program?.isRunning) throw new Error(`broker ${this.id} isn't running`);
    process.kill(this.#program.pid, name);
  }

  #format(): void {
    const { folder, jars, id, clusterId, scramUsers } = this.#options;
    const data = join(folder, 'data');
    mkdirSync(folder, { recursive: true });
    writeFileSync(this.#properties, propertiesText({ ...this.#settings(), 'log.dirs': data }));
    if (scramUsers.length > 0) {
      // Users are made with the cluster's metadata: adding them later would need authentication.
      formatData(jars, this.#properties, clusterId, scramUsers);
      return;
    }
    cpSync(jars.formatted, data, { recursive: true });
    const meta = { version: '1', 'node.id': String(id), 'cluster.id': clusterId, 'directory.id': uuid() };
    writeFileSync(join(data, 'meta.properties'), propertiesText(meta));
  }

  #settings(): Record<string, string> {
    const { id, ports, voters, properties, clientProtocol } = this.#options;
    return {
      'node.id': String(id),
      'process.roles': 'broker,controller',
      'controller.quorum.voters': voters,
      listeners:
        `CLIENT://127.0.0.1:${ports.client},INTERNAL://127.0.0.1:${ports.internal},` +
        `CONTROLLER://127.0.0.1:${ports.controller}`,
      'advertised.listeners': `CLIENT://127.0.0.1:${ports.advertised},INTERNAL://127.0.0.1:${ports.internal}`,
      'listener.security.protocol.map': `CLIENT:${clientProtocol},INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT`,
      'inter.broker.listener.name': 'INTERNAL',
      'controller.listener.names': 'CONTROLLER',
      'auto.create.topics.enable': 'false',
      ...FAST,
      ...properties,
    };
  }
}

/** Few threads, and a dead broker is found in seconds: with Kafka's defaults it takes ten, and a slow replica thirty. */
const FAST = {
  'num.network.threads': '2',
  'num.io.threads': '4',
  'background.threads': '2',
  'broker.heartbeat.interval.ms': '500',
  'broker.session.timeout.ms': '4000',
  'replica.lag.time.max.ms': '5000',
  'controller.quorum.election.timeout.ms': '500',
  'controller.quorum.fetch.timeout.ms': '1000',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
};

function propertiesText(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
