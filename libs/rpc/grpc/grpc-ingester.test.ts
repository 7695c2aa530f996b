import { testIngesterContract } from '../ingester/ingester-contract.ts';
import { connectGrpc, startGrpcIngester } from '../test-peers/grpc-service.ts';

testIngesterContract('gRPC', async (t, served) => {
  const { address } = await startGrpcIngester(t, served);
  return connectGrpc(t, address);
});
