import type { FloatHistogram, Labels } from '@xscaler/model';
import type { Cancellation } from './cancellation.ts';
import { LimitError } from './errors.ts';
import { refusingExhaustion } from './exhaustion.ts';
import { histogramJson } from './histogram-json.ts';
import { escapedJson, labelJsonText } from './json-text.ts';
import { formatSampleValue, formatShortest, formatTimestampMs } from './number-format.ts';
import {
  ABSENT,
  HISTOGRAM,
  type QueryResult,
  type SampleRun,
  type SeriesBlock,
  type StepGrid,
} from './query.ts';

/** Characters gathered before they become a buffer. */
const PIECE_CHARACTERS = 65_536;
const DEFAULT_MAX_BYTES = 256 * 1024 * 1024;
const encoder = new TextEncoder();

export interface EncodeOptions {
  /** Looked at once a piece. */
  readonly cancellation?: Cancellation | undefined;
  /** Size of the encoded answer at most; 256 MiB where absent. */
  readonly maxBytes?: number | undefined;
}

/**
 * The `data` member of the Prometheus HTTP API's answer, byte for byte as Prometheus writes it, as UTF-8
 * pieces to be sent one after the other. No object tree is built.
 * @throws LimitError | QueryCancelledError | QueryTimeoutError
 */
export function encodeResult(result: QueryResult, options: EncodeOptions = {}): Buffer[] {
  return refusingExhaustion(() => {
    const out = new PieceWriter(options);
    writeResult(out, result);
    return out.finish();
  });
}

function writeResult(out: PieceWriter, result: QueryResult): void {
  switch (result.type) {
    case 'scalar':
      // Scalars and strings have encoders of their own in Prometheus: no exponent, and seconds as any number.
      out.write(
        `{"resultType":"scalar","result":[${result.timeMs / 1000},"${formatShortest(result.value)}"]}`,
      );
      break;
    case 'string': {
      const value = `[${result.timeMs / 1000},${escapedJson(result.value)}]`;
      out.write(`{"resultType":"string","result":${value}}`);
      break;
    }
    case 'vector':
      writeVector(out, result.block, result.timeMs);
      break;
    case 'matrix':
      writeMatrix(out, result.block, result.grid);
      break;
    case 'samples':
      writeRuns(out, result.series);
      break;
  }
}

class PieceWriter {
  readonly #pieces: Buffer[] = [];
  readonly #cancellation: Cancellation | undefined;
  readonly #maxBytes: number;
  #bytes = 0;
  #text = '';

  constructor({ cancellation, maxBytes = DEFAULT_MAX_BYTES }: EncodeOptions) {
    this.#cancellation = cancellation;
    this.#maxBytes = maxBytes;
  }

  write(text: string): void {
    this.#text += text;
    if (this.#text.length >= PIECE_CHARACTERS) this.#flush();
  }

  finish(): Buffer[] {
    this.#flush();
    return this.#pieces;
  }

  #flush(): void {
    if (this.#text === '') return;
    this.#cancellation?.throwIfCancelled();
    // Encoded this way a piece has a buffer of its own, which can be handed to another thread.
    const { buffer } = encoder.encode(this.#text);
    this.#bytes += buffer.byteLength;
    if (this.#bytes > this.#maxBytes) {
      throw new LimitError(
        'max_response_bytes',
        `the answer is larger than its limit max_response_bytes (${this.#maxBytes}): select fewer series or a larger step`,
      );
    }
    this.#pieces.push(Buffer.from(buffer));
    this.#text = '';
  }
}

function writeVector(out: PieceWriter, block: SeriesBlock, timeMs: number): void {
  out.write('{"resultType":"vector","result":[');
  for (let row = 0; row < block.labels.length; row++) {
    out.write(`${row === 0 ? '' : ','}{"metric":${labelsJson(block.labels[row])},`);
    if (block.present[row] === HISTOGRAM) {
      out.write(`"histogram":${histogramPointJson(timeMs, block.histograms?.[row])}}`);
    } else {
      out.write(`"value":${pointJson(timeMs, formatSampleValue(block.values[row]))}}`);
    }
  }
  out.write(']}');
}

function writeMatrix(out: PieceWriter, block: SeriesBlock, grid: StepGrid): void {
  const times = Array.from({ length: grid.count }, (_, k) =>
    formatTimestampMs(grid.startMs + k * grid.stepMs),
  );
  const { steps, present, values, histograms } = block;
  out.write('{"resultType":"matrix","result":[');
  for (let row = 0; row < block.labels.length; row++) {
    out.write(`${row === 0 ? '' : ','}{"metric":${labelsJson(block.labels[row])}`);
    const first = row * steps;
    let separator = ',"values":[';
    let hasHistogram = false;
    for (let k = 0; k < steps; k++) {
      const kind = present[first + k];
      if (kind === ABSENT) continue;
      if (kind === HISTOGRAM) {
        hasHistogram = true;
        continue;
      }
      out.write(`${separator}[${times[k]},"${formatSampleValue(values[first + k])}"]`);
      separator = ',';
    }
    if (separator === ',') out.write(']');
    if (hasHistogram) {
      separator = ',"histograms":[';
      for (let k = 0; k < steps; k++) {
        if (present[first + k] !== HISTOGRAM) continue;
        out.write(separator);
        out.write(histogramPointJson(grid.startMs + k * grid.stepMs, histograms?.[first + k]));
        separator = ',';
      }
      out.write(']');
    }
    out.write('}');
  }
  out.write(']}');
}

function writeRuns(out: PieceWriter, series: readonly SampleRun[]): void {
  out.write('{"resultType":"matrix","result":[');
  series.forEach(({ labels, timestampsMs, values, histograms }, row) => {
    out.write(`${row === 0 ? '' : ','}{"metric":${labelsJson(labels)}`);
    let separator = ',"values":[';
    for (let i = 0; i < timestampsMs.length; i++) {
      if (histograms?.[i]) continue;
      out.write(`${separator}${pointJson(timestampsMs[i], formatSampleValue(values[i]))}`);
      separator = ',';
    }
    if (separator === ',') out.write(']');
    if (histograms) writeHistograms(out, timestampsMs, histograms);
    out.write('}');
  });
  out.write(']}');
}

function writeHistograms(
  out: PieceWriter,
  timestampsMs: Float64Array,
  histograms: readonly (FloatHistogram | undefined)[],
): void {
  let separator = ',"histograms":[';
  for (let i = 0; i < timestampsMs.length; i++) {
    if (!histograms[i]) continue;
    out.write(separator);
    out.write(histogramPointJson(timestampsMs[i], histograms[i]));
    separator = ',';
  }
  if (separator === ',') out.write(']');
}

function pointJson(timestampMs: number, value: string): string {
  return `[${formatTimestampMs(timestampMs)},"${value}"]`;
}

function histogramPointJson(timestampMs: number, histogram: FloatHistogram | undefined): string {
  if (!histogram) throw new TypeError('a histogram cell without its histogram');
  return `[${formatTimestampMs(timestampMs)},${histogramJson(histogram)}]`;
}

/** A label set as the Prometheus HTTP API shows it. */
export function labelsJson(labels: Labels): string {
  let json = '{';
  for (let i = 0; i < labels.pairs.length; i += 2) {
    json += `${i === 0 ? '' : ','}${labelJsonText(labels.pairs[i])}:${labelJsonText(labels.pairs[i + 1])}`;
  }
  return `${json}}`;
}
