import { Counter } from 'prom-client';
import { createRegistry } from '../metrics.ts';
import { runThread } from '../thread-worker.ts';

/** For tests: echoes what comes on its port; `config` says what it does wrong. */
interface Config {
  readonly failBoot?: boolean;
  readonly waitInBoot?: boolean;
  readonly failStop?: boolean;
  readonly hangStop?: boolean;
}

runThread<Config>(async ({ name, config, ports, waitsFor }) => {
  if (config.waitInBoot) {
    waitsFor('nobody has said go');
    await new Promise((resolve) => ports['echo'].once('message', resolve));
    waitsFor(undefined);
  }
  if (config.failBoot) throw Object.assign(new Error('cannot open the log'), { code: 'unavailable' });
  const registry = createRegistry(name);
  const echoes = new Counter({ name: 'echoes_total', help: 'Echoes', registers: [registry] });
  ports['echo']?.on('message', (message: string | Int32Array) => {
    if (message === 'throw') throw new Error('out of order');
    if (message === 'exit') process.exit(3);
    if (typeof message !== 'string') ports['echo'].postMessage('busy');
    // Blocks the thread, as a long loop would, until it is told to go on.
    if (typeof message !== 'string') Atomics.wait(message, 0, 0);
    echoes.inc();
    ports['echo'].postMessage(`${name}: ${typeof message === 'string' ? message : 'done'}`);
  });
  return {
    registry,
    async stop() {
      if (config.failStop) throw new Error('cannot flush');
      if (config.hangStop) await new Promise(() => {});
      ports['echo']?.postMessage('stopping');
    },
  };
});
