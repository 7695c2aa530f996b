import { MessageChannel, Worker } from 'node:worker_threads';
import type { Answering } from '../test-threads/answering-thread.ts';
import { connect } from './port-rpc.ts';

// What a call costs both threads together, by calls in flight, beside its latency. Its request is that of a write.
// Run: node libs/rpc/port/port-rpc.bench.ts

const CALLS = 20_000;
const BODY_BYTES = 60_000;

const { port1, port2 } = new MessageChannel();
const url = new URL('../test-threads/answering-thread.ts', import.meta.url);
const worker = new Worker(url, { workerData: port2, transferList: [port2] });
const streams = { count: true, frames: true, failAfter: true } as const;
const api = connect<Answering>(port1, { streams });
const { signal } = new AbortController();

function writeRequest(body: Uint8Array) {
  return {
    tenant: 'demo',
    method: 'POST',
    path: '/api/v1/push',
    query: '',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'user-agent': 'bench',
    },
    body,
  };
}

async function measure(inFlight: number): Promise<void> {
  // The same bytes go to and fro: allocating them is not what is measured.
  const caller = async (calls: number) => {
    let body: Uint8Array = new Uint8Array(BODY_BYTES);
    for (let i = 0; i < calls; i++) {
      ({ body } = (await api.echo(writeRequest(body), signal)) as { body: Uint8Array });
    }
  };
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  await Promise.all(Array.from({ length: inFlight }, () => caller(CALLS / inFlight)));
  const { user, system } = process.cpuUsage(startCpu);
  const wallUs = ((performance.now() - startMs) * 1000) / CALLS;
  console.log(
    `${inFlight} in flight: ${wallUs.toFixed(1)} µs a call, ${((user + system) / CALLS).toFixed(1)} µs of CPU`,
  );
}

for (const inFlight of [1, 4, 16, 64]) {
  await measure(inFlight);
  await measure(inFlight);
}
port1.close();
await worker.terminate();
