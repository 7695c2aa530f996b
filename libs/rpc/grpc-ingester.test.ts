import { connectGrpcIngester } from './grpc-ingester-client.ts';
import { serveGrpcIngester } from './grpc-ingester-server.ts';
import { testIngesterContract } from './ingester-contract.ts';

testIngesterContract('gRPC', async (t, served) => {
  const server = await serveGrpcIngester(served, { host: '127.0.0.1', port: 0 });
  const client = connectGrpcIngester(`127.0.0.1:${server.port}`);
  t.after(async () => {
    client.close();
    await server.close(100);
  });
  return client;
});
