import { after } from 'node:test';
import { TestAuthority } from '@xscaler/testkit';
import { ServiceTls } from '../service-tls.ts';
import { connectHttp, startHttpService } from '../test-peers/http-service.ts';
import { testUpstreamContract } from './upstream-contract.ts';

const authority = new TestAuthority();
after(() => authority.dispose());
const { caFile } = authority;

testUpstreamContract('HTTP over TLS', async (t, served) => {
  const server = new ServiceTls({
    caFile,
    ...authority.issue({ commonName: 'a service', altNames: ['IP:127.0.0.1'] }),
  });
  const { address } = await startHttpService(t, served, { tls: server });
  return connectHttp(t, [address], { tls: new ServiceTls({ caFile }) });
});

testUpstreamContract('HTTP over mutual TLS', async (t, served) => {
  const own = authority.issue({ commonName: 'a service', altNames: ['DNS:service.test', 'IP:127.0.0.1'] });
  const tls = new ServiceTls({ caFile, ...own, requireClientCert: true, serverName: 'service.test' });
  const { address } = await startHttpService(t, served, { tls });
  return connectHttp(t, [address], { tls });
});
