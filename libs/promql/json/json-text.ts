/**
 * A JSON string as Prometheus writes labels: control characters by their code, nothing else escaped that
 * need not be (json-iterator's `WriteString`).
 */
export function labelJsonText(text: string): string {
  return JSON.stringify(text).replace(/\\[\\bf"]/g, byCode);
}

/** JSON text as Prometheus writes everything else: safe to stand in HTML as well (json-iterator, HTML escaped). */
export function escapedJson(value: unknown): string {
  return JSON.stringify(value).replace(/\\[\\bf"]|[<>&\u2028\u2029]/g, (found) =>
    found.length === 1 ? codeOf(found) : byCode(found),
  );
}

/** Go knows no short escapes for backspace and form feed here. */
function byCode(found: string): string {
  if (found === '\\b') return '\\u0008';
  return found === '\\f' ? '\\u000c' : found;
}

function codeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
