/**
 * The label name for an attribute, '' if it can't have one: characters that Prometheus' classic names don't have
 * become underscores, a leading digit gets `key_` before it, a single leading underscore `key`.
 */
export function labelName(attribute: string, escaping: boolean): string {
  if (!escaping || attribute === '') return attribute;
  const name = attribute.replace(/[^a-zA-Z0-9_]/gu, '_');
  if (/^[0-9]/.test(name)) return `key_${name}`;
  if (/^_(?!_)/.test(name)) return `key${name}`;
  return name !== attribute && /^_*$/.test(name) ? '' : name;
}
