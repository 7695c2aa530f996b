import type { MessagePort } from 'node:worker_threads';
import {
  ClockWatch,
  type ClockWitness,
  MACHINE_CLOCK,
  type ReferenceTime,
  TrustedClock,
} from '@xscaler/cluster';
import { databaseTimeMs } from '@xscaler/database';
import type { Logger, MetricsRegistry, Module } from '@xscaler/runtime';
import { Gauge } from 'prom-client';
import type { Config } from '../configuration/config.ts';
import type { ProcessIo } from './process-io.ts';

/** Servers that are asked for the time beside PostgreSQL: those that the process uses anyway. */
export type ClockServer = 'kafka' | 'redis';

export interface ProcessClock {
  /** Started before any thread that goes by the clock. */
  readonly module: Module;
  /** Tells a thread, at the other end, what the clock was compared with. */
  serve(port: MessagePort): void;
}

/** Watches the clock of a process of a cluster; while it is wrong the process isn't ready. */
export function processClock(
  config: Config,
  io: ProcessIo,
  servers: readonly ClockServer[],
  logger: Logger,
  registry: MetricsRegistry,
): ProcessClock {
  const skew = new Gauge({
    name: 'xscaler_clock_skew_seconds',
    help: 'Difference between the local clock and that of each server, in seconds; positive if this machine is ahead.',
    labelNames: ['witness'],
    registers: [registry],
  });
  const ports: MessagePort[] = [];
  const tell = ({ clock }: ClockWatch) => {
    for (const port of ports) port.postMessage(clock.reference);
  };
  const watch = new ClockWatch({
    witnesses: [postgresql(io), ...servers.map((name) => WITNESSES[name](io))],
    own: MACHINE_CLOCK,
    maxSkewMs: config.cluster.max_clock_skew,
    logger,
    onCompared: (compared) => {
      skew.reset();
      for (const [witness, aheadMs] of compared.skews()) skew.set({ witness }, aheadMs / 1_000);
      tell(compared);
    },
  });
  const needs = { kafka: 'write-log', redis: 'redis' };
  return {
    module: {
      name: 'clock',
      needs: ['database', ...servers.map((name) => needs[name])],
      start: () => watch.start(),
      stop: () => watch.stop(),
      notReady: () => watch.clock.fault(),
    },
    serve: (port) => {
      ports.push(port);
      port.postMessage(watch.clock.reference);
    },
  };
}

/** The clock as the main thread has compared it. Resolves when that is known. */
export function connectClock(port: MessagePort, config: Config): Promise<TrustedClock> {
  const clock = new TrustedClock(MACHINE_CLOCK, config.cluster.max_clock_skew);
  return new Promise((resolve) => {
    port.on('message', (reference: ReferenceTime | undefined) => {
      clock.reference = reference;
      resolve(clock);
    });
    // Booting waits for the first message, and nothing for any other.
    port.unref();
  });
}

const postgresql = (io: ProcessIo): ClockWitness => ({
  name: 'postgresql',
  read: () => databaseTimeMs(io.db()),
});

const WITNESSES: Readonly<Record<ClockServer, (io: ProcessIo) => ClockWitness>> = {
  kafka: (io) => ({
    name: 'kafka',
    read: async () => {
      const log = io.kafkaLog();
      if (log === undefined) throw new Error('Kafka is not open yet');
      return log.brokerTimeMs();
    },
  }),
  redis: (io) => ({ name: 'redis', read: () => io.cluster().timeMs() }),
};
