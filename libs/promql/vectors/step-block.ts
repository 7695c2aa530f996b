import type { FloatHistogram, Labels } from '@xscaler/model';
import type { Budget } from './budget.ts';
import { CANCELLATION_SAMPLES } from './cancellation.ts';
import { labelSetBytes } from './label-set-bytes.ts';
import { FLOAT, HISTOGRAM, type SeriesBlock } from './query.ts';

/** Cells copied between two looks at the cancellation. */
const COPIED_CELLS = 1 << 20;

/**
 * The rows of a vector over all steps while it is being computed. Row r's cells are at
 * `r * steps … (r + 1) * steps − 1` of every column. The evaluator owns a block until it hands it on;
 * an operator may overwrite the block it was given. Whatever it allocates it holds in the query's budget first.
 */
export class StepBlock implements SeriesBlock {
  readonly budget: Budget;
  readonly steps: number;
  labels: Labels[] = [];
  /** Per row: the metric name goes when the query ends (delayed name removal only). */
  nameDropped: boolean[] = [];
  /** Per row: bytes of its label set, as they are held in the budget; 0 for that of a series that was read. */
  labelBytes: number[] = [];
  values: Float64Array;
  present: Uint8Array;
  histograms: (FloatHistogram | undefined)[] | undefined;
  #heldLabelBytes = 0;

  /** @throws LimitError | QueryCancelledError | QueryTimeoutError */
  constructor(budget: Budget, steps: number, expectedRows = 0) {
    budget.hold(steps * expectedRows);
    this.budget = budget;
    this.steps = steps;
    this.values = budget.memory.floats(steps * expectedRows);
    this.present = budget.memory.bytes(steps * expectedRows);
  }

  get rows(): number {
    return this.labels.length;
  }

  /** What the block has of its budget. */
  get heldCells(): number {
    return this.histograms ? 2 * this.present.length : this.present.length;
  }

  /** Bytes of the label sets of all rows that were made. */
  get heldLabelBytes(): number {
    return this.#heldLabelBytes;
  }

  /**
   * Adds a row of absent cells.
   * @param labelBytes of a label set that was made, and is held by another block: by this one as well from here on
   * @returns index of its first cell
   */
  addRow(labels: Labels, nameDropped = false, labelBytes = 0): number {
    const first = this.labels.length * this.steps;
    this.labels.push(labels);
    this.nameDropped.push(nameDropped);
    this.labelBytes.push(labelBytes);
    if (labelBytes > 0) {
      this.budget.holdLabels(labelBytes);
      this.#heldLabelBytes += labelBytes;
    }
    this.#reserve(first + this.steps);
    return first;
  }

  /** Adds a row whose label set was made just now. */
  addMadeRow(labels: Labels, nameDropped = false, newText = 0): number {
    return this.addRow(labels, nameDropped, labelSetBytes(labels) + newText);
  }

  /** Gives a row another label set. @param newText characters of it that no other label set has */
  setLabels(row: number, labels: Labels, newText = 0): void {
    if (labels === this.labels[row]) return;
    const bytes = labelSetBytes(labels) + newText;
    this.budget.holdLabels(bytes);
    this.budget.releaseLabels(this.labelBytes[row]);
    this.#heldLabelBytes += bytes - this.labelBytes[row];
    this.labels[row] = labels;
    this.labelBytes[row] = bytes;
  }

  /** Takes all rows back, and keeps the memory for others. */
  clear(): void {
    this.present.fill(0, 0, this.rows * this.steps);
    this.values.fill(0, 0, this.rows * this.steps);
    if (this.histograms) this.histograms.length = 0;
    this.labels = [];
    this.nameDropped = [];
    this.labelBytes = [];
    this.budget.releaseLabels(this.#heldLabelBytes);
    this.#heldLabelBytes = 0;
  }

  /** Takes the last row back. */
  removeLastRow(): void {
    const first = (this.labels.length - 1) * this.steps;
    this.labels.pop();
    this.nameDropped.pop();
    const labelBytes = this.labelBytes.pop() ?? 0;
    this.budget.releaseLabels(labelBytes);
    this.#heldLabelBytes -= labelBytes;
    this.values.fill(0, first, first + this.steps);
    this.present.fill(0, first, first + this.steps);
    if (this.histograms) this.histograms.length = Math.min(this.histograms.length, first);
  }

  setFloat(cell: number, value: number): void {
    this.values[cell] = value;
    this.present[cell] = FLOAT;
  }

  setHistogram(cell: number, histogram: FloatHistogram): void {
    if (!this.histograms) {
      this.budget.hold(this.present.length);
      this.histograms = [];
    }
    this.histograms[cell] = histogram;
    this.present[cell] = HISTOGRAM;
  }

  histogramAt(cell: number): FloatHistogram {
    return this.histograms?.[cell] as FloatHistogram;
  }

  copyCell(to: number, from: StepBlock, cell: number): void {
    if (from.present[cell] === HISTOGRAM) this.setHistogram(to, from.histogramAt(cell));
    else this.setFloat(to, from.values[cell]);
  }

  /** Adds all rows of another block of the same steps. */
  append(other: StepBlock): void {
    for (let row = 0; row < other.rows; row++) {
      this.budget.work(this.steps);
      const first = this.addRow(other.labels[row], other.nameDropped[row], other.labelBytes[row]);
      for (let k = 0; k < other.steps; k++) {
        const cell = row * other.steps + k;
        if (other.present[cell] !== 0) this.copyCell(first + k, other, cell);
      }
    }
  }

  isRowEmpty(row: number): boolean {
    const end = (row + 1) * this.steps;
    for (let i = row * this.steps; i < end; i++) if (this.present[i] !== 0) return false;
    return true;
  }

  /** The rows listed, in that order, as a block of their own. */
  pick(rows: readonly number[]): StepBlock {
    const picked = new StepBlock(this.budget, this.steps, rows.length);
    for (const row of rows) {
      this.budget.work(this.steps);
      const to = picked.addRow(this.labels[row], this.nameDropped[row], this.labelBytes[row]);
      const from = row * this.steps;
      picked.values.set(this.values.subarray(from, from + this.steps), to);
      picked.present.set(this.present.subarray(from, from + this.steps), to);
      if (!this.histograms) continue;
      for (let k = 0; k < this.steps; k++) {
        if (this.present[from + k] === HISTOGRAM) picked.setHistogram(to + k, this.histogramAt(from + k));
      }
    }
    return picked;
  }

  /** Without rows that have no cell. */
  withoutEmptyRows(): StepBlock {
    const kept: number[] = [];
    for (let row = 0; row < this.rows; row++) {
      this.budget.work(this.steps);
      if (!this.isRowEmpty(row)) kept.push(row);
    }
    return kept.length === this.rows ? this : this.pick(kept);
  }

  /** The one step of this block repeated `steps` times. */
  repeated(steps: number): StepBlock {
    const { budget } = this;
    const block = new StepBlock(budget, steps, this.rows);
    for (let row = 0; row < this.rows; row++) {
      const first = block.addRow(this.labels[row], this.nameDropped[row], this.labelBytes[row]);
      for (let from = 0; from < steps; from += CANCELLATION_SAMPLES) {
        const to = Math.min(steps, from + CANCELLATION_SAMPLES);
        budget.work(to - from);
        this.#repeatCell(row, block, first + from, first + to);
      }
    }
    return block;
  }

  #repeatCell(cell: number, block: StepBlock, from: number, to: number): void {
    block.values.fill(this.values[cell], from, to);
    block.present.fill(this.present[cell], from, to);
    if (this.present[cell] !== HISTOGRAM) return;
    for (let i = from; i < to; i++) block.setHistogram(i, this.histogramAt(cell));
  }

  #reserve(cells: number): void {
    if (cells <= this.present.length) return;
    const before = this.heldCells;
    const capacity = Math.max(cells, this.present.length * 2);
    const columns = this.histograms ? 2 : 1;
    this.budget.hold(columns * capacity);
    const values = this.budget.memory.floats(capacity);
    const present = this.budget.memory.bytes(capacity);
    // Memory is slow to be touched for the first time.
    for (let from = 0; from < this.present.length; from += COPIED_CELLS) {
      this.budget.look();
      values.set(this.values.subarray(from, from + COPIED_CELLS), from);
      present.set(this.present.subarray(from, from + COPIED_CELLS), from);
    }
    this.values = values;
    this.present = present;
    this.budget.release(before);
  }
}
