import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveGrpcIngester } from '../grpc/grpc-ingester-server.ts';
import { serveHttpUpstream } from '../http/http-upstream-server.ts';
import type { PeerPorts } from './peer-process.ts';
import { ScriptedIngester } from './scripted-ingester.ts';
import { ScriptedUpstream } from './scripted-upstream.ts';

const ingester = new ScriptedIngester();
ingester.strings = ['a', 'b'];
ingester.frames = Array.from({ length: 100_000 }, () => new Uint8Array(10_000));

const listener = serveHttpUpstream(new ScriptedUpstream());
const http = createServer((request, response) => {
  if (request.url === '/-/ready') response.end();
  else listener(request, response);
});
http.listen(0, '127.0.0.1', async () => {
  const grpc = await serveGrpcIngester(ingester, { host: '127.0.0.1', port: 0 });
  const ports: PeerPorts = { httpPort: (http.address() as AddressInfo).port, grpcPort: grpc.port };
  process.send?.(ports);
});
process.once('disconnect', () => process.exit());
