import { BlockList, isIP } from 'node:net';
import { ServiceTls, type ServiceTlsOptions } from '@xscaler/rpc/network';
import type { Logger } from '@xscaler/runtime';
import { ConfigError, type ConfigFault } from '@xscaler/runtime/config';
import { type Config, parseListenAddress } from '../configuration/config.ts';

/** Services that others call on `listen`, and believe what they are told of tenants. */
const SERVERS: ReadonlySet<string> = new Set(['distributor', 'querier', 'ingester']);

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/**
 * The configuration, if the services of a cluster may talk to each other as it says: with a secret wherever anybody else could
 * reach them, and with TLS files that are there and fit.
 * @throws ConfigError
 */
export function checkServiceNetwork(target: string, config: Config): Config {
  const faults = [...secretFaults(target, config), ...tlsFaults(target, config)];
  if (faults.length > 0) throw new ConfigError(faults);
  return config;
}

/** How this service and the others prove who they are; undefined if they talk in plain text. */
export function serviceTls(config: Config, logger: Logger): ServiceTls | undefined {
  const options = tlsOptionsOf(config);
  if (options === undefined) return undefined;
  return new ServiceTls({
    ...options,
    onError: (error) =>
      logger.warn({ err: error }, 'the files of cluster.tls cannot be used; the previous ones stay in use'),
  });
}

function secretFaults(target: string, { listen, cluster, gateway }: Config): ConfigFault[] {
  if (cluster.secret !== '') return [];
  const fault = (because: string): ConfigFault => ({
    where: 'cluster.secret',
    problem: `is needed, since ${because}: give all services of the cluster the same one, here or in a file (cluster.secret_file)`,
  });
  if (SERVERS.has(target) && !isLoopback(parseListenAddress(listen).host)) {
    return [fault(`other machines can reach listen (${listen}) and could impersonate any tenant`)];
  }
  if (target !== 'gateway') return [];
  const far = [...gateway.distributors, ...gateway.queriers].find((address) => !isLoopback(hostOf(address)));
  return far === undefined ? [] : [fault(`${far} is on another machine and refuses callers without it`)];
}

function tlsFaults(target: string, config: Config): ConfigFault[] {
  const { tls } = config.cluster;
  const faults: ConfigFault[] = [];
  const need = (setting: 'ca_file' | 'cert_file' | 'key_file', because: string) => {
    if (tls[setting] === '')
      faults.push({ where: `cluster.tls.${setting}`, problem: `is needed ${because}` });
  };
  const isAsked =
    tls.cert_file !== '' || tls.key_file !== '' || tls.require_client_cert || tls.server_name !== '';
  if (isAsked) need('ca_file', 'with the other settings of cluster.tls');
  if (tls.cert_file !== '') need('key_file', 'with cluster.tls.cert_file');
  if (tls.key_file !== '') need('cert_file', 'with cluster.tls.key_file');
  if (tls.ca_file !== '' && tls.cert_file === '' && tls.key_file === '') {
    if (SERVERS.has(target)) need('cert_file', `by a ${target}, which serves TLS`);
    else if (tls.require_client_cert) need('cert_file', 'with cluster.tls.require_client_cert');
  }
  if (faults.length === 0) faults.push(...fileFaults(config));
  return faults;
}

function fileFaults(config: Config): ConfigFault[] {
  const options = tlsOptionsOf(config);
  if (options === undefined) return [];
  try {
    new ServiceTls(options).close();
    return [];
  } catch (error) {
    return [{ where: 'cluster.tls', problem: (error as Error).message }];
  }
}

function tlsOptionsOf({ cluster: { tls } }: Config): ServiceTlsOptions | undefined {
  if (tls.ca_file === '') return undefined;
  return {
    caFile: tls.ca_file,
    ...(tls.cert_file !== '' && { certFile: tls.cert_file, keyFile: tls.key_file }),
    requireClientCert: tls.require_client_cert,
    ...(tls.server_name !== '' && { serverName: tls.server_name }),
  };
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
}

/** A name other than `localhost` may be anybody's. */
function isLoopback(host: string): boolean {
  const version = isIP(host);
  if (version === 0) return host === 'localhost';
  return LOOPBACK.check(host, version === 4 ? 'ipv4' : 'ipv6');
}
