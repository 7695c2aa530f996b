import { connect, createServer } from 'node:net';

/** A port of loopback that nothing listens on: connections to it are refused. */
export async function refusedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What Node itself says of a connection that is refused: `connect ECONNREFUSED 127.0.0.1:…`. */
export async function refusedConnection(): Promise<Error> {
  const port = await refusedPort();
  return new Promise((resolve) => connect(port, '127.0.0.1').once('error', resolve));
}
