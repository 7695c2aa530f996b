import { MessageChannel } from 'node:worker_threads';
import type { Upstream } from '../http/http-exchange.ts';
import { testUpstreamContract } from '../http/upstream-contract.ts';
import { connect, serve } from './port-rpc.ts';

testUpstreamContract('message port', async (t, served) => {
  const { port1, port2 } = new MessageChannel();
  serve<Upstream>(port2, served);
  t.after(() => port1.close());
  return connect<Upstream>(port1);
});
