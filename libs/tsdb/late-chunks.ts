import { type ChunkView, ENCODING_XOR } from './chunk.ts';
import type { LateSamples } from './late-samples.ts';
import { XorWriter } from './xor-chunk.ts';

/** Late samples as chunks, by time. */
export function encodeLate(late: LateSamples, windowStartMs: number): ChunkView[] {
  const chunks: ChunkView[] = [];
  const writer = new XorWriter();
  for (let i = 0; i < late.length; ) {
    const first = i;
    writer.start(late.times[i], late.words[2 * i], late.words[2 * i + 1]);
    i++;
    while (i < late.length && writer.append(late.times[i], late.words[2 * i], late.words[2 * i + 1])) i++;
    chunks.push({
      encoding: ENCODING_XOR,
      bytes: writer.bytes.slice(0, writer.byteLength),
      start: 0,
      end: writer.byteLength,
      minTimeMs: windowStartMs + late.times[first],
      maxTimeMs: windowStartMs + late.times[i - 1],
      count: i - first,
    });
  }
  return chunks;
}
