import { tenantIdFault } from '@xscaler/model';
import { type Limits, parseBearer } from '@xscaler/tenancy';
import { Refusal, unauthenticated, unavailable } from '../refusals/refusal.ts';
import type { RouteKind } from '../routing/routes.ts';

/** Decides whether a token may act for a tenant. Synchronous, since every request asks. */
export interface Authenticator {
  authenticate(token: string | undefined, tenantId: string, need: RouteKind): Authentication;
}

export type Authentication =
  | { readonly ok: true; readonly tenant: { readonly limits: Limits }; readonly tokenId: string }
  | {
      readonly ok: false;
      readonly code:
        | 'unauthenticated'
        | 'forbidden_scope'
        | 'tenant_suspended'
        | 'tenant_soft_locked'
        | 'unavailable';
      /** Shown to the client if the tenant is suspended or locked. */
      readonly reason: string;
    };

/** The two headers of every request, as they were sent. */
export interface Credentials {
  readonly tenantId: string;
  /** Undefined if there isn't exactly one `Authorization: Bearer <token>`. */
  readonly token: string | undefined;
}

/**
 * Takes both headers from Node's raw list of names and values: its `headers` joins a repeated X-Scope-OrgID
 * and drops a repeated Authorization, so a proxy in front could read another value than this gateway.
 * @throws Refusal if X-Scope-OrgID is missing, malformed or given twice
 */
export function credentialsOf(rawHeaders: readonly string[]): Credentials {
  let tenantId: string | undefined;
  let authorization: string | undefined;
  let authorizations = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i].toLowerCase();
    if (name === 'authorization') {
      authorization = rawHeaders[i + 1];
      authorizations++;
    } else if (name === 'x-scope-orgid') {
      if (tenantId !== undefined)
        throw new Refusal('bad_tenant', 'x-scope-orgid header is given more than once');
      tenantId = rawHeaders[i + 1];
    }
  }
  const fault = tenantIdFault(tenantId ?? '');
  if (fault !== undefined) throw new Refusal('bad_tenant', fault);
  return { tenantId: tenantId!, token: authorizations === 1 ? parseBearer(authorization) : undefined };
}

/** What an accepted request's token and tenant allow. */
export interface Admission {
  readonly limits: Limits;
  readonly tokenId: string;
}

/**
 * The limits of the tenant that the request may act for.
 * @throws Refusal
 */
export function admit(authenticator: Authenticator, credentials: Credentials, need: RouteKind): Admission {
  const { tenantId, token } = credentials;
  if (token === undefined) throw unauthenticated();
  const answer = authenticator.authenticate(token, tenantId, need);
  if (answer.ok) return { limits: answer.tenant.limits, tokenId: answer.tokenId };
  switch (answer.code) {
    case 'unauthenticated':
      throw unauthenticated();
    case 'forbidden_scope':
      throw new Refusal('forbidden', `token lacks the ${need} scope`);
    case 'tenant_suspended':
      throw new Refusal('forbidden', withReason('tenant is suspended', answer.reason));
    case 'tenant_soft_locked':
      throw new Refusal('forbidden', withReason('tenant is locked for writes', answer.reason));
    case 'unavailable':
      throw unavailable('credentials cannot be checked at the moment');
  }
}

function withReason(text: string, reason: string): string {
  return reason === '' ? text : `${text}: ${reason}`;
}
