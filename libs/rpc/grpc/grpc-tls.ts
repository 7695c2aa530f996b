import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import {
  ChannelCredentials,
  type ChannelOptions,
  experimental,
  ServerCredentials,
  type VerifyOptions,
} from '@grpc/grpc-js';
import type { ServiceTls, TlsMaterial } from '../service-tls.ts';

type CertificateProvider = experimental.CertificateProvider;
type CaListener = experimental.CaCertificateUpdateListener;
type IdentityListener = experimental.IdentityCertificateUpdateListener;

/** Of a server: in plain text without `tls`. */
export function serverCredentials(tls: ServiceTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const provider = new ServiceCertificates(tls);
  const { requireClientCert } = tls;
  return experimental.createCertificateProviderServerCredentials(
    // grpc-js names these two the other way round than it uses them.
    provider,
    requireClientCert ? provider : null,
    requireClientCert,
  );
}

/** Told to a server in the place of an address, which is not a server name (RFC 6066, 3). */
const NAMELESS = 'address.invalid';

/** How a client connects to `host:port`: in plain text without `tls`. */
export function secureChannel(
  address: string,
  tls: ServiceTls | undefined,
): { readonly credentials: ChannelCredentials; readonly options: ChannelOptions } {
  if (tls === undefined) return { credentials: ChannelCredentials.createInsecure(), options: {} };
  const provider = new ServiceCertificates(tls);
  const identity = tls.material.cert === undefined ? null : provider;
  const host = address.slice(0, address.lastIndexOf(':')).replace(/^\[|\]$/g, '');
  // grpc-js would tell an address as the server's name, which Node refuses.
  const isNameless = tls.serverName === undefined && isIP(host) !== 0;
  const verify: VerifyOptions = isNameless
    ? { checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate) }
    : {};
  const name = isNameless ? NAMELESS : tls.serverName;
  return {
    credentials: experimental.createCertificateProviderChannelCredentials(provider, identity, verify),
    options: name === undefined ? {} : { 'grpc.ssl_target_name_override': name },
  };
}

/** Hands on to grpc-js what the files have, and what they have after each change. */
class ServiceCertificates implements CertificateProvider {
  readonly #tls: ServiceTls;
  readonly #endings = new Map<CaListener | IdentityListener, () => void>();

  constructor(tls: ServiceTls) {
    this.#tls = tls;
  }

  addCaCertificateListener(listener: CaListener): void {
    this.#add(listener, ({ ca }) => listener({ caCertificate: ca }));
  }

  removeCaCertificateListener(listener: CaListener): void {
    this.#remove(listener);
  }

  addIdentityCertificateListener(listener: IdentityListener): void {
    this.#add(listener, ({ cert: certificate, key: privateKey }) => {
      listener(certificate && privateKey ? { certificate, privateKey } : null);
    });
  }

  removeIdentityCertificateListener(listener: IdentityListener): void {
    this.#remove(listener);
  }

  #add(listener: CaListener | IdentityListener, tell: (material: TlsMaterial) => void): void {
    this.#endings.set(listener, this.#tls.onChange(tell));
    // A server of grpc-js doesn't listen yet while it adds its listeners.
    process.nextTick(() => {
      if (this.#endings.has(listener)) tell(this.#tls.material);
    });
  }

  #remove(listener: CaListener | IdentityListener): void {
    this.#endings.get(listener)?.();
    this.#endings.delete(listener);
  }
}
