import { after } from 'node:test';
import { TestAuthority } from '@xscaler/testkit';
import { testIngesterContract } from '../ingester/ingester-contract.ts';
import { ServiceTls } from '../service-tls.ts';
import { connectGrpc, startGrpcIngester } from '../test-peers/grpc-service.ts';

const authority = new TestAuthority();
after(() => authority.dispose());
const { caFile } = authority;

testIngesterContract('gRPC over TLS', async (t, served) => {
  const server = new ServiceTls({
    caFile,
    ...authority.issue({ commonName: 'a service', altNames: ['IP:127.0.0.1'] }),
  });
  const { address } = await startGrpcIngester(t, served, { tls: server });
  return connectGrpc(t, address, { tls: new ServiceTls({ caFile }) });
});

testIngesterContract('gRPC over mutual TLS', async (t, served) => {
  const own = authority.issue({ commonName: 'a service', altNames: ['DNS:service.test', 'IP:127.0.0.1'] });
  const tls = new ServiceTls({ caFile, ...own, requireClientCert: true, serverName: 'service.test' });
  const { address } = await startGrpcIngester(t, served, { tls });
  return connectGrpc(t, address, { tls });
});
