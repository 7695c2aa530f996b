import { connectHttp, startHttpService } from '../test-peers/http-service.ts';
import { testUpstreamContract } from './upstream-contract.ts';

testUpstreamContract('HTTP', async (t, served) => {
  const { address } = await startHttpService(t, served);
  return connectHttp(t, [address]);
});
