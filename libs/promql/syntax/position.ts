/** `line:column` of a UTF-16 offset, both from 1, the column in UTF-8 bytes as Prometheus counts it. */
export function positionText(query: string, offset: number): string {
  if (query === '') return 'unknown position';
  if (offset < 0 || offset > query.length) return 'invalid position';
  const before = query.slice(0, offset);
  const lastBreak = before.lastIndexOf('\n');
  const line = before.split('\n').length;
  return `${line}:${Buffer.byteLength(before.slice(lastBreak + 1)) + 1}`;
}
