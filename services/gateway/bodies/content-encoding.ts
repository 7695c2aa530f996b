import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';

export type ContentEncoding = 'zstd' | 'gzip';

/** Smaller answers fit one packet: compressing them saves nobody anything. */
export const COMPRESS_FROM_BYTES = 1024;

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

/** The encoding to answer in, by RFC 9110, 12.5.3: the client's preference, zstd before gzip if it has none. */
export function acceptedEncoding(acceptEncoding: string | undefined): ContentEncoding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const weights = new Map<string, number>();
  for (const part of acceptEncoding.split(',')) {
    const [name, ...parameters] = part.split(';');
    const q = parameters
      .map((text) => /^\s*q=([\d.]+)\s*$/i.exec(text)?.[1])
      .find((text) => text !== undefined);
    weights.set(name.trim().toLowerCase(), q === undefined ? 1 : Number(q));
  }
  const anything = weights.get('*') ?? 0;
  const zstd = weights.get('zstd') ?? anything;
  const gzipWeight = weights.get('gzip') ?? anything;
  if (zstd > 0 && zstd >= gzipWeight) return 'zstd';
  return gzipWeight > 0 ? 'gzip' : undefined;
}

/** Off the event loop. Fast levels: these bytes cross one network once. */
export function compress(body: Uint8Array, encoding: ContentEncoding): Promise<Uint8Array> {
  if (encoding === 'gzip') return gzipAsync(body, { level: 1 });
  return zstdAsync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
}
