import type { FloatHistogram, Labels } from '@xscaler/model';
import { formatSampleValue, formatShortest, formatTimestampMs } from '../numbers/number-format.ts';
import { refusingExhaustion } from '../vectors/exhaustion.ts';
import { labelTextLength } from '../vectors/label-set-bytes.ts';
import {
  FLOAT,
  HISTOGRAM,
  type QueryResult,
  type SampleRun,
  type SeriesBlock,
  type StepGrid,
} from '../vectors/query.ts';
import { histogramJson } from './histogram-json.ts';
import { type EncodedTexts, type EncodeOptions, encodeTexts, JsonPieces } from './json-pieces.ts';
import { escapedJson, labelJsonText } from './json-text.ts';

export type { EncodeOptions };

const COMMA = 0x2c;
const BRACKET = 0x5b;

/**
 * The `data` member of the Prometheus HTTP API's answer, byte for byte as Prometheus writes it, as UTF-8
 * pieces to be sent one after the other. No object tree is built.
 * @throws LimitError | QueryCancelledError | QueryTimeoutError
 */
export function encodeResult(result: QueryResult, options: EncodeOptions = {}): Buffer[] {
  return refusingExhaustion(() => {
    const out = new JsonPieces(options);
    writeResult(out, result);
    return out.finish();
  });
}

function writeResult(out: JsonPieces, result: QueryResult): void {
  switch (result.type) {
    case 'scalar':
      // Scalars and strings have encoders of their own in Prometheus: no exponent, and seconds as any number.
      out.text(
        `{"resultType":"scalar","result":[${result.timeMs / 1000},"${formatShortest(result.value)}"]}`,
      );
      break;
    case 'string': {
      const value = `[${result.timeMs / 1000},${escapedJson(result.value)}]`;
      out.text(`{"resultType":"string","result":${value}}`);
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

function writeVector(out: JsonPieces, block: SeriesBlock, timeMs: number): void {
  out.text('{"resultType":"vector","result":[');
  for (let row = 0; row < block.labels.length; row++) {
    writeMetric(out, row, block.labels[row]);
    if (block.present[row] === HISTOGRAM) {
      out.text(`,"histogram":${histogramPointJson(timeMs, block.histograms?.[row])}}`);
    } else {
      out.text(`,"value":${pointJson(timeMs, formatSampleValue(block.values[row]))}}`);
    }
  }
  out.text(']}');
}

function writeMatrix(out: JsonPieces, block: SeriesBlock, grid: StepGrid): void {
  const leads = encodeTexts(grid.count, (k) => pointLead(grid.startMs + k * grid.stepMs));
  out.text('{"resultType":"matrix","result":[');
  for (let row = 0; row < block.labels.length; row++) {
    writeMetric(out, row, block.labels[row]);
    writeFloats(out, block, row, leads);
    if (block.histograms) writeHistogramCells(out, block, row, grid);
    out.text('}');
  }
  out.text(']}');
}

function writeFloats(out: JsonPieces, block: SeriesBlock, row: number, leads: EncodedTexts): void {
  const { steps, present, values } = block;
  const first = row * steps;
  let some = false;
  for (let k = 0; k < steps; k++) {
    if (present[first + k] !== FLOAT) continue;
    if (!some) out.text(',"values":');
    out.point(leads, k, some ? COMMA : BRACKET, values[first + k]);
    some = true;
  }
  if (some) out.text(']');
}

function writeHistogramCells(out: JsonPieces, block: SeriesBlock, row: number, grid: StepGrid): void {
  const { steps, present, histograms } = block;
  let separator = ',"histograms":[';
  for (let k = 0; k < steps; k++) {
    const cell = row * steps + k;
    if (present[cell] !== HISTOGRAM) continue;
    out.text(`${separator}${histogramPointJson(grid.startMs + k * grid.stepMs, histograms?.[cell])}`);
    separator = ',';
  }
  if (separator === ',') out.text(']');
}

function writeRuns(out: JsonPieces, series: readonly SampleRun[]): void {
  out.text('{"resultType":"matrix","result":[');
  series.forEach(({ labels, timestampsMs, values, histograms }, row) => {
    writeMetric(out, row, labels);
    const leads = encodeTexts(timestampsMs.length, (i) => pointLead(timestampsMs[i]));
    let some = false;
    for (let i = 0; i < timestampsMs.length; i++) {
      if (histograms?.[i]) continue;
      if (!some) out.text(',"values":');
      out.point(leads, i, some ? COMMA : BRACKET, values[i]);
      some = true;
    }
    if (some) out.text(']');
    if (histograms) writeHistograms(out, timestampsMs, histograms);
    out.text('}');
  });
  out.text(']}');
}

function writeHistograms(
  out: JsonPieces,
  timestampsMs: Float64Array,
  histograms: readonly (FloatHistogram | undefined)[],
): void {
  let separator = ',"histograms":[';
  for (let i = 0; i < timestampsMs.length; i++) {
    if (!histograms[i]) continue;
    out.text(separator);
    out.text(histogramPointJson(timestampsMs[i], histograms[i]));
    separator = ',';
  }
  if (separator === ',') out.text(']');
}

/** What stands before a value: a separator, which depends on its place, and the time. */
function pointLead(timestampMs: number): string {
  return `,[${formatTimestampMs(timestampMs)},"`;
}

function pointJson(timestampMs: number, value: string): string {
  return `[${formatTimestampMs(timestampMs)},"${value}"]`;
}

function histogramPointJson(timestampMs: number, histogram: FloatHistogram | undefined): string {
  if (!histogram) throw new TypeError('a histogram cell without its histogram');
  return `[${formatTimestampMs(timestampMs)},${histogramJson(histogram)}]`;
}

/** Characters of a label set that is written at once. */
const SHORT_LABELS = 65_536;

/** Begins a row. Long labels are written one by one: the answer's bound and the cancellation are looked at in between. */
function writeMetric(out: JsonPieces, row: number, labels: Labels): void {
  const lead = row === 0 ? '{"metric":' : ',{"metric":';
  if (labelTextLength(labels) <= SHORT_LABELS) {
    out.text(lead + labelsJson(labels));
    return;
  }
  out.text(`${lead}{`);
  let separator = '';
  for (const [name, value] of labels) {
    out.text(`${separator}${labelJsonText(name)}:${labelJsonText(value)}`);
    separator = ',';
  }
  out.text('}');
}

/** A label set as the Prometheus HTTP API shows it. */
export function labelsJson(labels: Labels): string {
  let json = '{';
  for (let i = 0; i < labels.pairs.length; i += 2) {
    json += `${i === 0 ? '' : ','}${labelJsonText(labels.pairs[i])}:${labelJsonText(labels.pairs[i + 1])}`;
  }
  return `${json}}`;
}
