import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { UpstreamRequest } from './http-exchange.ts';
import { connectHttpUpstream } from './http-upstream.ts';
import { serveHttpUpstream } from './http-upstream-server.ts';

// What a write of 60 KB costs caller and service, in µs of CPU each, by calls in flight. They are two processes.
// Run: node libs/rpc/http/http-upstream.bench.ts

const CALLS = 10_000;
const BODY_BYTES = 60_000;
const SECRET = 'bench';

interface Reading {
  readonly port: number;
  readonly cpuUs: number;
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** The service's process: tells its port and CPU whenever it is asked. */
function serveBench(): void {
  const body = new Uint8Array(0);
  const listener = serveHttpUpstream(
    { handle: async () => ({ status: 204, headers: {}, body }) },
    { secret: SECRET },
  );
  const server = createServer(listener);
  const tell = () => process.send?.({ port: (server.address() as AddressInfo).port, cpuUs: cpuUs() });
  process.on('message', tell);
  server.listen(0, '127.0.0.1', tell);
  process.once('disconnect', () => process.exit());
}

async function bench(): Promise<void> {
  const service = fork(import.meta.filename, ['serve']);
  const [{ port }] = (await once(service, 'message')) as [Reading];
  const upstream = connectHttpUpstream({ addresses: [`127.0.0.1:${port}`], secret: SECRET });
  const { signal } = new AbortController();
  const request: UpstreamRequest = {
    tenant: 'demo',
    method: 'POST',
    path: '/api/v1/push',
    query: '',
    headers: {
      'content-type': 'application/x-protobuf',
      'content-encoding': 'snappy',
      'user-agent': 'bench',
    },
    body: new Uint8Array(BODY_BYTES),
  };
  const serviceCpuUs = async () => {
    service.send('cpu');
    const [reading] = (await once(service, 'message')) as [Reading];
    return reading.cpuUs;
  };
  const measure = async (inFlight: number) => {
    const [callerBefore, serviceBefore, startMs] = [cpuUs(), await serviceCpuUs(), performance.now()];
    const caller = async () => {
      for (let i = 0; i < CALLS / inFlight; i++) await upstream.handle(request, signal);
    };
    await Promise.all(Array.from({ length: inFlight }, caller));
    const wallUs = ((performance.now() - startMs) * 1000) / CALLS;
    const callerUs = (cpuUs() - callerBefore) / CALLS;
    const serviceUs = ((await serviceCpuUs()) - serviceBefore) / CALLS;
    console.log(
      `${inFlight} in flight: caller ${callerUs.toFixed(0)} µs, service ${serviceUs.toFixed(0)} µs of CPU a call; ${wallUs.toFixed(0)} µs a call`,
    );
  };
  for (const inFlight of [1, 8, 64]) {
    await measure(inFlight);
    await measure(inFlight);
  }
  await upstream.close();
  service.disconnect();
}

if (process.argv[2] === 'serve') serveBench();
else await bench();
