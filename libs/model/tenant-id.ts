/** The longest tenant id, in characters. */
export const TENANT_ID_MAX_LENGTH = 150;

const ALLOWED = /^[A-Za-z0-9!_.*'()-]+$/;

/** Says what is wrong with a tenant id, or undefined if it is well formed. */
export function tenantIdFault(id: string): string | undefined {
  if (id === '') return 'no org id';
  if (id.includes(',')) return 'x-scope-orgid header must not contain commas';
  if (id.length > TENANT_ID_MAX_LENGTH) return `tenant id is longer than ${TENANT_ID_MAX_LENGTH} characters`;
  if (!ALLOWED.test(id)) return "tenant id may only contain A-Z a-z 0-9 ! _ . * ' ( ) -";
  if (id === '.' || id === '..') return "tenant id must not be '.' or '..'";
  return undefined;
}
