import { join } from 'node:path';
import { Client, freePort, RunningProgram, sleep } from '../../harness/index.ts';
import { KafkaCluster, type KafkaClusterOptions } from '../../kafka/index.ts';
import { PostgresServer } from '../../postgres/postgres-server.ts';
import { RedisServer } from '../../redis/redis-server.ts';
import { type Role, ServiceProcess } from './service-process.ts';

const MAIN = join(import.meta.dirname, '../../../services/all/main.ts');

export const ZONES = ['a', 'b'] as const;
export const INGESTERS_PER_ZONE = 2;
export const PARTITIONS = 4;
const DISTRIBUTORS = 2;
/** Known to every service of a test's cluster. */
export const CLUSTER_SECRET = 'known to every service of the test';

export type Zone = (typeof ZONES)[number];
export type Settings = Readonly<Record<string, string>>;

export interface TestClusterOptions {
  /** One by default. */
  readonly brokers?: number;
  /** Services reach each broker through a proxy that can lose its answers. */
  readonly withKafkaProxies?: boolean;
  /** One by default. */
  readonly gateways?: number;
  /** None by default. */
  readonly compactors?: number;
  /** Further settings of every service. */
  readonly env?: Settings;
  /** Further settings of the ingesters of a zone. */
  readonly zoneEnv?: Partial<Record<Zone, Settings>>;
}

/** Small processes: their speed is nothing a test measures. */
const SMALL = {
  NODE_OPTIONS: '--max-old-space-size=192',
  XSCALER_QUERIER_EVALUATION_THREADS: '1',
  XSCALER_QUERIER_EVALUATION_HEAP_MB: '256',
  XSCALER_QUERIER_TIMEOUT: '30s',
  XSCALER_DATABASE_MAX_CONNECTIONS: '5',
};

/** Of what is written in a test most goes into blocks. */
export const SHORT_WINDOWS = {
  XSCALER_INGESTER_HEAD_WINDOW: '20s',
  XSCALER_INGESTER_CUT_GRACE: '3s',
  XSCALER_INGESTER_LATE_HEAD_AGE: '5s',
  XSCALER_INGESTER_COMMITTED_HEAD_LINGER: '10s',
  XSCALER_CLUSTER_OTHER_ZONE_WAIT: '5s',
};

/**
 * The product as an operator runs it: gateways, two distributors, two zones of two ingesters on four partitions, two queriers,
 * each a process, on a real Kafka, PostgreSQL and Redis. Everything ends with the process that started it.
 */
export class TestCluster {
  readonly kafka: KafkaCluster;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly services: ServiceProcess[];
  readonly #env: Settings;

  private constructor(parts: Parts, services: ServiceProcess[], env: Settings) {
    this.kafka = parts.kafka;
    this.postgres = parts.postgres;
    this.redis = parts.redis;
    this.services = services;
    this.#env = env;
  }

  /** Started and ready. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const parts = await startParts({
      brokers: options.brokers ?? 1,
      withProxies: options.withKafkaProxies ?? false,
    });
    const database = await parts.postgres.createDatabase();
    const env = {
      ...SMALL,
      ...SHORT_WINDOWS,
      XSCALER_DATABASE_URL: parts.postgres.url(database),
      XSCALER_WRITE_LOG_BROKERS: parts.kafka.addresses.join(','),
      XSCALER_WRITE_LOG_PARTITIONS: String(PARTITIONS),
      XSCALER_CLUSTER_REDIS_URL: parts.redis.url,
      XSCALER_CLUSTER_SECRET: CLUSTER_SECRET,
      XSCALER_CLUSTER_INGESTERS_PER_ZONE: String(INGESTERS_PER_ZONE),
      ...options.env,
    };
    const cluster = new TestCluster(parts, await createServices(env, options), env);
    try {
      for (const service of cluster.services) service.spawn();
      await cluster.untilReady();
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  ofRole(role: Role): ServiceProcess[] {
    return this.services.filter((service) => service.role === role);
  }

  service(name: string): ServiceProcess {
    const found = this.services.find((service) => service.name === name);
    if (!found) throw new Error(`there is no ${name}`);
    return found;
  }

  /** A second process with the settings of a service, not started. */
  async another(of: string, name: string): Promise<ServiceProcess> {
    const made = await this.service(of).another(name);
    this.services.push(made);
    return made;
  }

  /** Waits until every service that runs says that it is ready. */
  async untilReady(): Promise<void> {
    await Promise.all(this.services.filter(({ isRunning }) => isRunning).map((each) => each.untilReady()));
  }

  /** `xscaler <words>` against the cluster's database; what it prints. @throws Error if it fails */
  async command(...words: readonly string[]): Promise<string> {
    const args = ['--disable-warning=ExperimentalWarning', MAIN, ...words];
    const program = new RunningProgram(process.execPath, args, { ...this.#env });
    const { code } = await program.exited;
    if (code !== 0) throw new Error(`xscaler ${words.join(' ')} ended with ${code}: ${program.output}`);
    return program.stdout.trim();
  }

  /** A new tenant with a token for everything, and a client at the first gateway; ready when the gateways know it. */
  async createTenant(id: string): Promise<Client> {
    await this.command('tenant', 'create', id);
    const token = await this.command('token', 'create', id, '--scope', 'read+write');
    for (const gateway of this.ofRole('gateway')) {
      const client = this.client(id, token, gateway);
      for (;;) {
        const { status } = await client.get('/api/v1/query', { query: '1' });
        if (status === 200) break;
        await sleep(100);
      }
    }
    return this.client(id, token);
  }

  client(tenant: string, token: string, gateway = this.ofRole('gateway')[0]): Client {
    return new Client(`http://${gateway.address}`, tenant, token);
  }

  /** Ends everything and takes the data away. Where XSCALER_E2E_LOGS names a folder, the logs of all services stay there. */
  async dispose(): Promise<void> {
    await Promise.all(this.services.map((service) => service.kill()));
    const folder = process.env.XSCALER_E2E_LOGS;
    if (folder) for (const service of this.services) service.writeLogs(folder);
    await disposeParts(this);
  }
}

interface Parts {
  readonly kafka: KafkaCluster;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
}

async function startParts(kafka: KafkaClusterOptions): Promise<Parts> {
  const starting = [KafkaCluster.start(kafka), PostgresServer.start(), RedisServer.start()] as const;
  try {
    const [kafka, postgres, redis] = await Promise.all(starting);
    return { kafka, postgres, redis };
  } catch (error) {
    const settled = await Promise.allSettled(starting);
    await Promise.all(settled.map((each) => each.status === 'fulfilled' && each.value.dispose()));
    throw error;
  }
}

async function disposeParts({ kafka, postgres, redis }: Parts): Promise<void> {
  await Promise.all([kafka.dispose(), postgres.dispose(), redis.dispose()]);
}

async function createServices(settings: Settings, options: TestClusterOptions): Promise<ServiceProcess[]> {
  const ports = await Promise.all(Array.from({ length: DISTRIBUTORS }, () => freePort()));
  // Every service may write its own metrics.
  const distributors = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const env = { ...settings, XSCALER_GATEWAY_DISTRIBUTORS: distributors };
  const create = (role: Role, count: number, more: Settings = {}) =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        ServiceProcess.create({ role, name: `${role}-${i}`, env: { ...env, ...more } }),
      ),
    );
  const services = await Promise.all(
    ports.map((port, i) =>
      ServiceProcess.create({ role: 'distributor', name: `distributor-${i}`, env, port }),
    ),
  );
  const queriers = await create('querier', 2);
  const ingesters: ServiceProcess[] = [];
  for (const zone of ZONES) {
    for (let ordinal = 0; ordinal < INGESTERS_PER_ZONE; ordinal++) {
      const place = { XSCALER_CLUSTER_ZONE: zone, XSCALER_CLUSTER_ORDINAL: String(ordinal) };
      const own = { ...env, ...options.zoneEnv?.[zone], ...place };
      ingesters.push(
        await ServiceProcess.create({ role: 'ingester', name: `ingester-${zone}-${ordinal}`, env: own }),
      );
    }
  }
  const gateways = await create('gateway', options.gateways ?? 1, {
    XSCALER_GATEWAY_QUERIERS: queriers.map(({ address }) => address).join(','),
  });
  const compactors = await create('compactor', options.compactors ?? 0);
  return [...services, ...ingesters, ...queriers, ...gateways, ...compactors];
}
