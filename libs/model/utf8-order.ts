/**
 * Byte order of UTF-8, the order in which Prometheus sorts label names and values.
 *
 * JavaScript compares UTF-16 code units, which differs if surrogate pairs (U+10000 and up) meet
 * U+E000–U+FFFF; the fix-up below moves surrogates behind them, so no encoding is needed.
 */
export function compareUtf8(a: string, b: string): number {
  if (a === b) return 0;
  const shared = Math.min(a.length, b.length);
  for (let i = 0; i < shared; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

function rank(codeUnit: number): number {
  return codeUnit >= 0xd800 && codeUnit <= 0xdfff ? codeUnit + 0x10000 : codeUnit;
}

/** Every text of the lists once, in byte order. */
export function sortedUnion(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].sort(compareUtf8);
}
