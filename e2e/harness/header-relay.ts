import { createServer, request, type Server } from 'node:http';
import { freePort } from './child-process.ts';

/**
 * Adds the headers that a `remote_write` section sets on its way from a Prometheus to here: Debian's build of 2.42
 * parses them and doesn't send them (prometheus/prometheus#13030). A build that sends them loses nothing.
 */
export class HeaderRelay {
  /** The section with the relay's address in place of the one it named. */
  readonly section: string;
  readonly #server: Server;

  private constructor(section: string, port: number) {
    const target = new URL(/\burl: (\S+)/.exec(section)?.[1] ?? '');
    const block = /^( +)headers:\n((?:\1 +.+\n)+)/m.exec(section)?.[2] ?? '';
    const headers = Object.fromEntries(
      [...block.matchAll(/^ +([^:]+): (.+)$/gm)].map(([, name, value]) => [name.toLowerCase(), value]),
    );
    this.section = section.replace(target.host, `127.0.0.1:${port}`);
    this.#server = createServer((incoming, answer) => {
      const outgoing = request(new URL(incoming.url ?? '/', target.origin), {
        method: incoming.method,
        headers: { ...headers, ...incoming.headers },
      });
      outgoing.on('response', (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      });
      outgoing.on('error', () => answer.writeHead(502).end());
      incoming.pipe(outgoing);
    });
  }

  static async start(section: string): Promise<HeaderRelay> {
    const port = await freePort();
    const relay = new HeaderRelay(section, port);
    await new Promise<void>((resolve) => relay.#server.listen(port, '127.0.0.1', resolve));
    return relay;
  }

  dispose(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
