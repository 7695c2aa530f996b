import { ProtobufReader } from '../protobuf/protobuf-reader.ts';

/** What `MetricsWalk.next` stands on. */
export const WALK_END = 0;
export const WALK_RESOURCE = 1;
export const WALK_METRIC = 2;
export const WALK_POINT = 3;
/** After the last point of a resource. */
export const WALK_RESOURCE_END = 4;

/** Kinds of a metric's data, by the number of its field in `Metric`. */
export const NO_DATA = 0;
export const GAUGE = 5;
export const SUM = 7;
export const HISTOGRAM = 9;
export const EXPONENTIAL_HISTOGRAM = 10;
export const SUMMARY = 11;

export const TEMPORALITY_DELTA = 1;
export const TEMPORALITY_CUMULATIVE = 2;

/** A range of the request's bytes. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Walks over an `ExportMetricsServiceRequest` (OpenTelemetry's `metrics_service.proto`): resources, the scopes in them,
 * their metrics, their points. Nothing is copied; ranges are those of what `next` stands on or in.
 * Fields may come in any order; of a message that is there twice the last one stands.
 */
export class MetricsWalk {
  readonly body = new ProtobufReader();

  /** The `Resource` message. */
  readonly resource: ByteRange = { start: 0, end: 0 };
  /** The `InstrumentationScope` message. */
  readonly scope: ByteRange = { start: 0, end: 0 };
  readonly scopeSchemaUrl: ByteRange = { start: 0, end: 0 };
  /** Counts scopes, over all resources. */
  scopeNumber = 0;
  readonly name: ByteRange = { start: 0, end: 0 };
  readonly description: ByteRange = { start: 0, end: 0 };
  readonly unit: ByteRange = { start: 0, end: 0 };
  kind = NO_DATA;
  temporality = 0;
  isMonotonic = false;
  readonly point: ByteRange = { start: 0, end: 0 };

  readonly #request: ByteRange = { start: 0, end: 0 };
  readonly #inResource: ByteRange = { start: 0, end: 0 };
  readonly #inScope: ByteRange = { start: 0, end: 0 };
  readonly #inData: ByteRange = { start: 0, end: 0 };
  #hasResource = false;

  reset(bytes: Uint8Array): void {
    this.body.reset(bytes);
    this.#request.start = 0;
    this.#request.end = bytes.length;
    clear(this.#inResource);
    clear(this.#inScope);
    clear(this.#inData);
    this.#hasResource = false;
    this.scopeNumber = 0;
  }

  release(): void {
    this.reset(new Uint8Array(0));
    this.body.release();
  }

  /** @throws DecodeError */
  next(): number {
    for (;;) {
      if (this.#inData.start < this.#inData.end) {
        if (this.#find(this.#inData, 1, this.point)) return WALK_POINT;
      } else if (this.#inScope.start < this.#inScope.end) {
        if (this.#find(this.#inScope, 2, this.#inData)) {
          this.#scanMetric();
          return WALK_METRIC;
        }
      } else if (this.#inResource.start < this.#inResource.end) {
        if (this.#find(this.#inResource, 2, this.#inScope)) this.#scanScope();
      } else if (this.#hasResource) {
        this.#hasResource = false;
        return WALK_RESOURCE_END;
      } else if (!this.#find(this.#request, 1, this.#inResource)) {
        return WALK_END;
      } else {
        this.#hasResource = true;
        this.#scanResource();
        return WALK_RESOURCE;
      }
    }
  }

  /** How many points of the metric come yet. */
  pointsLeft(): number {
    const rest = { ...this.#inData };
    let count = 0;
    while (this.#find(rest, 1, this.point)) count++;
    return count;
  }

  /** Passes over the points of the metric. */
  skipPoints(): void {
    this.#inData.start = this.#inData.end;
  }

  /** Moves `rest` behind its next length-delimited field of that number, whose content is put into `found`. */
  #find(rest: ByteRange, field: number, found: ByteRange): boolean {
    const { body } = this;
    body.position = rest.start;
    body.end = rest.end;
    const wanted = field * 8 + 2;
    while (body.position < rest.end) {
      const tag = body.tag();
      if (tag !== wanted) {
        body.skip(tag);
        continue;
      }
      const length = body.length();
      found.start = body.position;
      found.end = body.position + length;
      rest.start = found.end;
      return true;
    }
    rest.start = rest.end;
    return false;
  }

  #scanResource(): void {
    const { body } = this;
    clear(this.resource);
    this.#enter(this.#inResource);
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x0a) this.#range(this.resource);
      else body.skip(tag);
    }
  }

  #scanScope(): void {
    const { body } = this;
    this.scopeNumber++;
    clear(this.scope);
    clear(this.scopeSchemaUrl);
    this.#enter(this.#inScope);
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x0a) this.#range(this.scope);
      else if (tag === 0x1a) this.#range(this.scopeSchemaUrl);
      else body.skip(tag);
    }
  }

  /** The metric's message is in `#inData`, which becomes that of its data. */
  #scanMetric(): void {
    const { body } = this;
    for (const range of [this.name, this.description, this.unit]) clear(range);
    this.kind = NO_DATA;
    this.#enter(this.#inData);
    const data = { start: 0, end: 0 };
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x0a) this.#range(this.name);
      else if (tag === 0x12) this.#range(this.description);
      else if (tag === 0x1a) this.#range(this.unit);
      else if (isData(tag)) {
        this.kind = tag >>> 3;
        this.#range(data);
      } else body.skip(tag);
    }
    this.#inData.start = data.start;
    this.#inData.end = data.end;
    this.#scanData();
  }

  /** Temporality and monotony stand behind the points. */
  #scanData(): void {
    const { body } = this;
    this.temporality = 0;
    this.isMonotonic = false;
    this.#enter(this.#inData);
    while (body.position < body.end) {
      const tag = body.tag();
      if (tag === 0x10) this.temporality = body.uint64();
      else if (tag === 0x18) this.isMonotonic = body.uint64() !== 0;
      else body.skip(tag);
    }
  }

  #enter(range: ByteRange): void {
    this.body.position = range.start;
    this.body.end = range.end;
  }

  #range(to: ByteRange): void {
    const { body } = this;
    const length = body.length();
    to.start = body.position;
    to.end = body.position + length;
    body.position = to.end;
  }
}

function isData(tag: number): boolean {
  const field = tag >>> 3;
  return (
    (tag & 7) === 2 &&
    (field === GAUGE ||
      field === SUM ||
      field === HISTOGRAM ||
      field === EXPONENTIAL_HISTOGRAM ||
      field === SUMMARY)
  );
}

function clear(range: ByteRange): void {
  range.start = 0;
  range.end = 0;
}
