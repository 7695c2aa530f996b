import { MessageChannel } from 'node:worker_threads';
import type { IngesterApi } from '../ingester/ingester-api.ts';
import { testIngesterContract } from '../ingester/ingester-contract.ts';
import { connect, serve } from './port-rpc.ts';

testIngesterContract('message port', async (t, served) => {
  const { port1, port2 } = new MessageChannel();
  serve<IngesterApi>(port2, served);
  t.after(() => port1.close());
  return connect<IngesterApi>(port1, { streams: { select: true } });
});
