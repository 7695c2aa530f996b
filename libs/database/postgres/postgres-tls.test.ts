import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postgresTlsOf, tlsParametersOf } from './postgres-tls.ts';

const tlsOf = (query: string) => postgresTlsOf(tlsParametersOf(new URLSearchParams(query)));

test('sslmode means what libpq means: plain text, encrypted, from a known authority, for this host', () => {
  assert.equal(tlsOf(''), undefined);
  assert.equal(tlsOf('sslmode=disable'), undefined);
  assert.equal(tlsOf('sslmode=require')?.connectOptions.rejectUnauthorized, false);
  for (const query of ['sslmode=verify-full', 'sslmode=verify-full&sslrootcert=system']) {
    const { connectOptions } = tlsOf(query) ?? {};
    assert.equal(connectOptions?.rejectUnauthorized, undefined);
    assert.equal(connectOptions?.checkServerIdentity, undefined);
  }
});

test('a password is bound to the channel unless that is switched off', () => {
  assert.equal(tlsOf('sslmode=require')?.bindsChannel, true);
  assert.equal(tlsOf('sslmode=require&channel_binding=disable')?.bindsChannel, false);
});

test('parameters that promise what they do not keep are refused by name', () => {
  const cases: [string, RegExp][] = [
    ['sslmode=prefer', /^sslmode=prefer gives no protection/],
    ['sslmode=allow', /^sslmode=allow gives no protection/],
    ['sslmode=strict', /^sslmode is one of disable, require, verify-ca, verify-full, not "strict"$/],
    ['sslrootcert=/ca.pem', /need an sslmode$/],
    ['sslmode=disable&sslcert=/c.pem&sslkey=/k.pem', /need an sslmode$/],
    ['sslmode=verify-ca', /^sslmode=verify-ca needs an sslrootcert$/],
    ['sslmode=require&sslrootcert=system', /^sslrootcert=system needs sslmode=verify-full/],
    [
      'sslmode=verify-full&sslcert=/c.pem',
      /^sslcert of database.url and sslkey of database.url must be set together$/,
    ],
    [
      'sslmode=verify-full&sslrootcert=/nowhere',
      /^sslrootcert of database.url: \/nowhere cannot be read: ENOENT$/,
    ],
    ['sslmode=require&channel_binding=require', /^channel_binding is prefer or disable, not "require"$/],
    ['sslmode=require&sslmode=disable', /has sslmode twice$/],
    ['sslpassword=x', /unknown parameter sslpassword$/],
  ];
  for (const [query, message] of cases)
    assert.throws(() => tlsOf(query), { code: 'invalid', message }, query);
});
