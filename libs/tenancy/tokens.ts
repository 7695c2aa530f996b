/** A new token: `xag_` and 32 random characters of `[A-Za-z0-9]`. */
export function generateToken(): string {
  throw new Error('not built yet');
}

/** SHA-256 of the token's text, hex: all that is ever stored of it. */
export function hashToken(text: string): string {
  throw new Error(`not built yet ${text}`);
}
