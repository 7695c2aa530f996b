/** What a first start prints for its user to copy, read back from its output. */

export function printedToken(output: string): string {
  return /\bxag_\w+/.exec(output)?.[0] ?? '';
}

/** The `remote_write` block: from its key to the first line that isn't indented. */
export function printedRemoteWrite(output: string): string {
  return /^remote_write:\n(?:[ -].*\n)+/m.exec(output)?.[0] ?? '';
}

export interface GrafanaSource {
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** The provisioned data source: its URL, and the headers it is told to send. */
export function printedGrafanaSource(output: string): GrafanaSource {
  const block = /^datasources:\n(?:[ -].*\n)+/m.exec(output)?.[0] ?? '';
  const field = (name: string) => new RegExp(`\\b${name}: (.+)$`, 'm').exec(block)?.[1] ?? '';
  const headers: [string, string][] = [];
  for (let i = 1; field(`httpHeaderName${i}`) !== ''; i++)
    headers.push([field(`httpHeaderName${i}`), field(`httpHeaderValue${i}`)]);
  return { url: field('url'), headers };
}
