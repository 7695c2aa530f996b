import { MessageChannel } from 'node:worker_threads';
import { startThread } from '../threads.ts';

// For tests: a process whose only thread dies unasked.
const { port1, port2 } = new MessageChannel();
const url = new URL('./steady-thread.ts', import.meta.url);
await startThread({ url, name: 'doomed', config: {}, ports: { echo: port2 } });
port1.postMessage('throw');
port1.ref();
