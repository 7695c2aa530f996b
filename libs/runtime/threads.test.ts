import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import { collectThreads } from './metrics.ts';
import { startThread, type ThreadCrash } from './threads.ts';

const url = new URL('./test-threads/steady-thread.ts', import.meta.url);

function start(config: Record<string, boolean> = {}) {
  const { port1, port2 } = new MessageChannel();
  const crash = Promise.withResolvers<ThreadCrash>();
  const thread = startThread({
    url,
    name: 'echoing',
    config,
    ports: { echo: port2 },
    onCrash: crash.resolve,
  });
  return { thread, port: port1, crash: crash.promise };
}

test('a thread boots, works on its ports, shows its metrics and stops', async () => {
  const { thread, port } = start();
  const running = await thread;
  port.postMessage('hello');
  assert.deepEqual(await once(port, 'message'), ['echoing: hello']);
  const { samples } = await collectThreads([running]);
  assert.deepEqual(samples, [{ name: 'echoes_total', labels: { service: 'echoing' }, value: 1 }]);
  const [[last]] = await Promise.all([once(port, 'message'), running.stop()]);
  assert.equal(last, 'stopping');
  assert.deepEqual(await running.metrics(), []);
  await running.stop();
});

test('a thread too busy to answer shows the metrics that it had', async () => {
  const { thread, port } = start();
  const running = await thread;
  port.postMessage('hello');
  await once(port, 'message');
  const before = await collectThreads([running]);
  assert.equal(before.samples[0].value, 1);
  const busy = new Int32Array(new SharedArrayBuffer(4));
  port.postMessage(busy);
  await once(port, 'message');
  assert.deepEqual((await collectThreads([running])).samples, before.samples);
  Atomics.store(busy, 0, 1);
  Atomics.notify(busy, 0);
  assert.deepEqual(await once(port, 'message'), ['echoing: done']);
  assert.equal((await collectThreads([running])).samples[0].value, 2);
  await running.stop();
});

test('a thread that fails to boot rejects with its error', async () => {
  await assert.rejects(start({ failBoot: true }).thread, {
    message: 'cannot open the log',
    code: 'unavailable',
  });
});

test('a boot that waits says what for, and is waited for', async () => {
  const { port1, port2 } = new MessageChannel();
  const reasons: (string | undefined)[] = [];
  const first = Promise.withResolvers<void>();
  const onWaits = (reason: string | undefined) => {
    reasons.push(reason);
    first.resolve();
  };
  const started = startThread({
    ...{ url, name: 'echoing', config: { waitInBoot: true } },
    ...{ ports: { echo: port2 }, onWaits },
  });
  await first.promise;
  assert.deepEqual(reasons, ['nobody has said go']);
  port1.postMessage('go');
  const thread = await started;
  assert.deepEqual(reasons, ['nobody has said go', undefined]);
  await thread.stop();
  port1.close();
});

test('a boot that waits is given up when its signal aborts', async () => {
  const { port1, port2 } = new MessageChannel();
  const stopping = new AbortController();
  const reason = new Error('stopping');
  const started = startThread({
    ...{ url, name: 'echoing', config: { waitInBoot: true }, ports: { echo: port2 } },
    onWaits: () => stopping.abort(reason),
    signal: stopping.signal,
  });
  await assert.rejects(started, reason);
  port1.close();
  await assert.rejects(startThread({ url, name: 'late', config: {}, signal: stopping.signal }), reason);
});

test('an entry file that does not load rejects', async () => {
  const missing = new URL('./test-threads/no-such-thread.ts', import.meta.url);
  await assert.rejects(startThread({ url: missing, name: 'missing', config: {} }), {
    name: 'ThreadCrash',
    message: /thread missing failed: Cannot find module/,
  });
});

test('a stop that fails or takes too long rejects, and the thread is gone', async () => {
  const failing = await start({ failStop: true }).thread;
  await assert.rejects(failing.stop(), /thread echoing: cannot flush/);
  const hanging = await start({ hangStop: true }).thread;
  await assert.rejects(hanging.stop(5), /thread echoing: did not stop within 5 ms/);
});

test('a thread that throws or exits unasked is reported once', async () => {
  for (const [message, reason] of [
    ['throw', 'failed: out of order'],
    ['exit', 'exited with code 3'],
  ]) {
    const { thread, port, crash } = start();
    const running = await thread;
    port.postMessage(message);
    const pending = running.metrics();
    assert.equal((await crash).message, `thread echoing ${reason}`);
    await pending;
    port.close();
  }
});

test('by default a dead thread takes the process with it, loudly', async () => {
  const program = fileURLToPath(new URL('./test-threads/doomed-process.ts', import.meta.url));
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'ignore', 'pipe'] });
  const [errors, [exitCode]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  assert.equal(exitCode, 1);
  assert.match(errors, /thread doomed failed: out of order/);
});
