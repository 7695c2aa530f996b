import type { TlsSettingNames } from './client-tls.ts';

/** OpenSSL's codes for a chain that ends at nobody we trust. */
const UNTRUSTED = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'INVALID_CA',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Alerts by which a server refuses a client's certificate, or asks for one: servers differ in which they send. */
const CLIENT_REFUSED =
  /ALERT_(ACCESS_DENIED|BAD_CERTIFICATE|CERTIFICATE_\w+|HANDSHAKE_FAILURE|UNKNOWN_CA|UNSUPPORTED_CERTIFICATE)/;
const NOT_TLS =
  /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|HTTP_REQUEST|RECORD_LAYER_FAILURE)$/;
const TOO_OLD = /^ERR_SSL_(UNSUPPORTED_PROTOCOL|\w*ALERT_PROTOCOL_VERSION)$/;

/** Which of the files the client has. */
export interface GivenFiles {
  readonly hasCa: boolean;
  readonly hasCertificate: boolean;
}

export function explainTlsFault(
  error: unknown,
  names: TlsSettingNames,
  given: GivenFiles,
): string | undefined {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  if (UNTRUSTED.has(code)) {
    return given.hasCa
      ? `its certificate is not signed by an authority in ${names.ca} (${code})`
      : `its certificate is not signed by an authority that Node trusts, and ${names.ca} is not set (${code})`;
  }
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate has expired';
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const remedy = names.serverName === undefined ? '' : `; set ${names.serverName} to the expected name`;
    return `its certificate is for another host name (${detailOf(message)})${remedy}`;
  }
  if (CLIENT_REFUSED.test(code)) {
    return given.hasCertificate
      ? `it rejects the client certificate of ${names.cert} (${code})`
      : `it requires a client certificate: ${names.cert} and ${names.key} are not set (${code})`;
  }
  if (NOT_TLS.test(code)) return `it does not use TLS on this port (${code})`;
  if (TOO_OLD.test(code)) return `it does not support TLS 1.2 or later (${code})`;
  if (message.includes('before secure TLS connection was established'))
    return 'it ended the connection during the TLS handshake';
  return undefined;
}

/** Node's sentence without its beginning, which says the same as ours. */
function detailOf(message: string): string {
  return message.replace(/^.*does not match certificate's altnames: /, '').replace(/\.?\s*$/, '');
}
