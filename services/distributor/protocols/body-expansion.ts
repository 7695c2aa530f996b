import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { DecodeError } from '@xscaler/encoding';
import { TooLargeError } from '@xscaler/wire/snappy';
import { zstdFrames } from './zstd-frames.ts';

const gunzip = promisify(zlib.gunzip);
const inflate = promisify(zlib.inflate);
const inflateRaw = promisify(zlib.inflateRaw);
const zstdDecompress = promisify(zlib.zstdDecompress);

type Expander = (body: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>;

/** By content encoding (RFC 9110, 8.4.1; RFC 8878). */
const EXPANDERS: Readonly<Record<string, Expander>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: expandDeflate,
  zstd: expandZstd,
};

const MAX_EXPANSIONS = 4;

export function isKnownEncoding(contentEncoding: string | undefined): boolean {
  const encoding = normal(contentEncoding);
  return encoding === '' || Object.hasOwn(EXPANDERS, encoding);
}

/**
 * Expands bodies off the event loop, a few at a time, since each may need as much memory as an expanded body is limited to. The others
 * wait in order of arrival.
 */
export class BodyExpansion {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce = MAX_EXPANSIONS) {
    this.#free = atOnce;
  }

  /**
   * @throws TooLargeError past `maxBytes`
   * @throws DecodeError if the body isn't in that encoding
   */
  async expand(body: Uint8Array, contentEncoding: string | undefined, maxBytes: number): Promise<Uint8Array> {
    const encoding = normal(contentEncoding);
    if (encoding === '') {
      if (body.length > maxBytes) throw new TooLargeError(body.length, maxBytes);
      return body;
    }
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await EXPANDERS[encoding](body, { maxOutputLength: Math.max(1, maxBytes) });
    } catch (error) {
      if (error instanceof TooLargeError) throw error;
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
        throw new TooLargeError(maxBytes + 1, maxBytes);
      }
      if (!isOfBody(error)) throw error;
      throw new DecodeError(`it is not valid ${encoding}`);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

/** Whether zlib refuses the body: its codes are `Z_…`, `ZSTD_…` and Node's for a body that is cut off. */
function isOfBody(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof NotFramesError || /^(Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(String(code));
}

/** A zstd body that isn't whole frames. */
class NotFramesError extends Error {}

function normal(contentEncoding: string | undefined): string {
  const encoding = (contentEncoding ?? '').trim().toLowerCase();
  return encoding === 'identity' ? '' : encoding;
}

/** Bodies that are cut off are refused, as with the others. */
async function expandZstd(body: Uint8Array, options: { maxOutputLength: number }): Promise<Uint8Array> {
  const frames = zstdFrames(body);
  if (frames === undefined) throw new NotFramesError('not complete zstd frames');
  const parts: Uint8Array[] = [];
  let left = options.maxOutputLength;
  for (const frame of frames) {
    // Node takes a bound of 0 for no bound.
    const part = await zstdDecompress(frame, { maxOutputLength: Math.max(1, left) });
    left -= part.length;
    if (left < 0) throw new TooLargeError(options.maxOutputLength - left, options.maxOutputLength);
    parts.push(part);
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/** HTTP's "deflate" is zlib's format, but some senders leave its frame out. */
async function expandDeflate(body: Uint8Array, options: { maxOutputLength: number }): Promise<Uint8Array> {
  const hasFrame = body.length >= 2 && (body[0] & 0x0f) === 8 && (body[0] * 256 + body[1]) % 31 === 0;
  return hasFrame ? inflate(body, options) : inflateRaw(body, options);
}
