import type { UpstreamResponse } from '@xscaler/rpc';

const NO_BODY = new Uint8Array(0);

export const NO_CONTENT: UpstreamResponse = { status: 204, headers: {}, body: NO_BODY };

export function textAnswer(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): UpstreamResponse {
  const line = text.endsWith('\n') ? text : `${text}\n`;
  return {
    status,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff', ...headers },
    body: new Uint8Array(Buffer.from(line, 'utf8')),
  };
}
