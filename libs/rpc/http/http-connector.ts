import { buildConnector } from 'undici';
import type { ServiceTls } from '../service-tls.ts';

/** `http://host:port`, or `https:` if the services use TLS. */
export function originOf(address: string, tls: ServiceTls | undefined): string {
  return `${tls === undefined ? 'http' : 'https'}://${address}`;
}

/** How undici connects: with TLS each new connection uses the certificates that the files have by then. */
export function connectorOf(tls: ServiceTls | undefined, timeoutMs: number): buildConnector.connector {
  if (tls === undefined) return buildConnector({ timeout: timeoutMs });
  // One whose files have changed must not resume a session that the old ones began.
  let material = tls.material;
  let connector = buildConnector({ ...material, timeout: timeoutMs, allowH2: false });
  return (options, callback) => {
    if (tls.material !== material) {
      material = tls.material;
      connector = buildConnector({ ...material, timeout: timeoutMs, allowH2: false });
    }
    const { serverName } = tls;
    connector(serverName === undefined ? options : { ...options, servername: serverName }, callback);
  };
}
