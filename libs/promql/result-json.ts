import type { FloatHistogram, Labels } from '@xscaler/model';
import type { Cancellation } from './cancellation.ts';
import { histogramJson } from './histogram-json.ts';
import { formatSampleValue, formatTimestampMs } from './number-format.ts';
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
const encoder = new TextEncoder();

/**
 * The `data` member of the Prometheus HTTP API's answer, byte for byte as Prometheus writes it, as UTF-8
 * pieces to be sent one after the other. No object tree is built.
 * @param cancellation looked at once a piece
 * @throws QueryCancelledError | QueryTimeoutError
 */
export function encodeResult(result: QueryResult, cancellation?: Cancellation): Buffer[] {
  const out = new PieceWriter(cancellation);
  switch (result.type) {
    case 'scalar':
      out.write(
        `{"resultType":"scalar","result":${pointJson(result.timeMs, formatSampleValue(result.value))}}`,
      );
      break;
    case 'string': {
      const value = `[${formatTimestampMs(result.timeMs)},${textJson(result.value)}]`;
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
  return out.finish();
}

class PieceWriter {
  readonly #pieces: Buffer[] = [];
  readonly #cancellation: Cancellation | undefined;
  #text = '';

  constructor(cancellation: Cancellation | undefined) {
    this.#cancellation = cancellation;
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
  series.forEach((run, row) => {
    out.write(`${row === 0 ? '' : ','}{"metric":${labelsJson(run.labels)}`);
    const floats: string[] = [];
    const histograms: string[] = [];
    run.timestampsMs.forEach((timestampMs, i) => {
      const histogram = run.histograms?.[i];
      if (histogram) histograms.push(histogramPointJson(timestampMs, histogram));
      else floats.push(pointJson(timestampMs, formatSampleValue(run.values[i])));
    });
    if (floats.length > 0) out.write(`,"values":[${floats.join(',')}]`);
    if (histograms.length > 0) out.write(`,"histograms":[${histograms.join(',')}]`);
    out.write('}');
  });
  out.write(']}');
}

function pointJson(timestampMs: number, value: string): string {
  return `[${formatTimestampMs(timestampMs)},"${value}"]`;
}

function histogramPointJson(timestampMs: number, histogram: FloatHistogram | undefined): string {
  if (!histogram) throw new TypeError('a histogram cell without its histogram');
  return `[${formatTimestampMs(timestampMs)},${histogramJson(histogram)}]`;
}

function labelsJson(labels: Labels): string {
  let json = '{';
  for (let i = 0; i < labels.pairs.length; i += 2) {
    json += `${i === 0 ? '' : ','}${textJson(labels.pairs[i])}:${textJson(labels.pairs[i + 1])}`;
  }
  return `${json}}`;
}

/** JSON text; Go knows no short escapes for backspace and form feed. */
function textJson(text: string): string {
  return JSON.stringify(text).replace(/\\[\\bf"]/g, (short) => {
    if (short === '\\b') return '\\u0008';
    return short === '\\f' ? '\\u000c' : short;
  });
}
