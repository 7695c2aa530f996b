import type { ContentHash } from '@xscaler/encoding';
import { Labels, METRIC_NAME, type MetricMetadata } from '@xscaler/model';
import { LabelSetParser } from '../labels/label-set.ts';
import type { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { WIRE_METRIC_TYPES } from '../remote-write-v1/request-reader.ts';
import { familyName } from './family-name.ts';
import type { LabelReferences } from './label-references.ts';
import type { SymbolTable } from './symbol-table.ts';

/** The metadata that a series brings along. Its texts are symbols of the request. */
export class SeriesMetadata {
  readonly #symbols: SymbolTable;
  readonly #labels: LabelReferences;
  readonly #parser = new LabelSetParser();
  readonly #hashWords = new Int32Array(8);
  readonly #hashView = new DataView(this.#hashWords.buffer);
  #start = 0;
  #end = 0;
  #type = 0;
  #helpRef = 0;
  #unitRef = 0;

  /** `labels`: those of the series that the metadata comes with. */
  constructor(symbols: SymbolTable, labels: LabelReferences) {
    this.#symbols = symbols;
    this.#labels = labels;
  }

  /** A series begins. */
  reset(): void {
    this.#end = 0;
  }

  /** Notes where the message is that comes next. */
  note(body: ProtobufReader): void {
    const length = body.length();
    this.#start = body.position;
    this.#end = body.position + length;
    body.position += length;
  }

  get isThere(): boolean {
    return this.#end > 0;
  }

  /** Reads what was noted: false if it refers to symbols that there aren't. */
  read(body: ProtobufReader): boolean {
    const { position, end } = body;
    body.position = this.#start;
    body.end = this.#end;
    this.#type = 0;
    this.#helpRef = 0;
    this.#unitRef = 0;
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x08) this.#type = body.uint64();
      else if (tag === 0x18) this.#helpRef = body.uint32();
      else if (tag === 0x20) this.#unitRef = body.uint32();
      else body.skip(tag);
    }
    body.position = position;
    body.end = end;
    // A request without symbols may leave both references at 0.
    return Math.max(this.#helpRef, this.#unitRef) < Math.max(1, this.#symbols.count);
  }

  get saysAnything(): boolean {
    return this.#type !== 0 || this.#helpRef !== 0 || this.#unitRef !== 0;
  }

  entry(): MetricMetadata {
    const type = WIRE_METRIC_TYPES[this.#type] ?? 'unknown';
    const symbols = this.#symbols;
    this.#parser.parse(this.#labels.bytes, 0, this.#labels.end);
    const name = Labels.fromSorted(this.#parser.pairs).get(METRIC_NAME);
    return {
      metric: familyName(name, type),
      type,
      help: this.#helpRef === 0 ? '' : symbols.text(this.#helpRef),
      unit: this.#unitRef === 0 ? '' : symbols.text(this.#unitRef),
    };
  }

  hashInto(hash: ContentHash): void {
    const words = this.#hashWords;
    const symbols = this.#symbols;
    words.fill(0);
    const nameRef = this.#labels.metricName();
    if (nameRef >= 0) symbols.hashInto(nameRef, hash, words, 0);
    if (this.#helpRef > 0) symbols.hashInto(this.#helpRef, hash, words, 2);
    if (this.#unitRef > 0) symbols.hashInto(this.#unitRef, hash, words, 4);
    words[6] = this.#type;
    hash.hash(this.#hashView, 0, 32);
  }
}
