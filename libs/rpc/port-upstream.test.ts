import { MessageChannel } from 'node:worker_threads';
import type { Upstream } from './http-exchange.ts';
import { connect, serve } from './port-rpc.ts';
import { testUpstreamContract } from './upstream-contract.ts';

testUpstreamContract('message port', async (t, served) => {
  const { port1, port2 } = new MessageChannel();
  serve<Upstream>(port2, served);
  t.after(() => port1.close());
  return connect<Upstream>(port1);
});
