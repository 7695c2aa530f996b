import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainTlsFault } from './tls-faults.ts';

const NAMES = { ca: 'the.ca', cert: 'the.cert', key: 'the.key', serverName: 'the.name' };
const faultOf = (code: string, message = '', given = { hasCa: true, hasCertificate: true }) =>
  explainTlsFault(Object.assign(new Error(message), { code }), NAMES, given);

test('each failure of a handshake is said in words that name the setting which decides it', () => {
  const cases: [string, RegExp][] = [
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /not signed by an authority in the\.ca/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /not signed by an authority in the\.ca/],
    ['CERT_SIGNATURE_FAILURE', /not signed by an authority in the\.ca/],
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_NOT_YET_VALID', /is not valid yet/],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', /rejects the client certificate of the\.cert/],
    ['ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE', /rejects the client certificate of the\.cert/],
    ['ERR_SSL_SSL/TLS_ALERT_CERTIFICATE_EXPIRED', /rejects the client certificate of the\.cert/],
    ['ERR_SSL_WRONG_VERSION_NUMBER', /does not use TLS on this port/],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', /does not support TLS 1\.2 or later/],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', /does not support TLS 1\.2 or later/],
  ];
  for (const [code, text] of cases) assert.match(faultOf(code) ?? '', text, code);
});

test('files that the client does not have are named as missing', () => {
  const none = { hasCa: false, hasCertificate: false };
  assert.match(faultOf('DEPTH_ZERO_SELF_SIGNED_CERT', '', none) ?? '', /and the\.ca is not set/);
  const asked = /requires a client certificate: the\.cert and the\.key are not set/;
  assert.match(faultOf('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', '', none) ?? '', asked);
});

test('the name in the certificate and the one that was expected are said', () => {
  const message =
    "Hostname/IP does not match certificate's altnames: Host: a. is not in the cert's altnames: DNS:b";
  assert.equal(
    faultOf('ERR_TLS_CERT_ALTNAME_INVALID', message),
    "its certificate is for another host name (Host: a. is not in the cert's altnames: DNS:b); set the.name to the expected name",
  );
});

test('what is not a failure of TLS is left alone', () => {
  assert.equal(faultOf('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'), undefined);
  assert.equal(faultOf('ECONNRESET', 'read ECONNRESET'), undefined);
  assert.equal(explainTlsFault('not an error', NAMES, { hasCa: true, hasCertificate: false }), undefined);
});
