import type { ByteWriter } from '@xscaler/encoding';
import { Labels, METRIC_NAME } from '@xscaler/model';
import { writeLabelSet } from '../labels/label-set.ts';
import type { ProtobufReader } from '../protobuf/protobuf-reader.ts';
import { type Attribute, checkedText, readAttributes, textBetween } from './attributes.ts';
import type { DataPoint } from './data-point.ts';
import { labelName } from './label-name.ts';
import type { ByteRange, MetricsWalk } from './metrics-walk.ts';
import { escapes, type OtlpSettings } from './otlp-settings.ts';

export const TARGET_INFO = 'target_info';

const SERVICE_NAMESPACE = 'service.namespace';
const SERVICE_NAME = 'service.name';
const SERVICE_INSTANCE = 'service.instance.id';
const IDENTIFYING = [SERVICE_NAMESPACE, SERVICE_NAME, SERVICE_INSTANCE];

const RESOURCE_ATTRIBUTES = 1;
const SCOPE_ATTRIBUTES = 3;

/** An attribute from which no label can be made. */
export class InvalidAttributeError extends Error {
  override readonly name = 'InvalidAttributeError';
}

interface Scope {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly attributes: readonly Attribute[];
}

/**
 * Labels for the series of OTLP points, as Prometheus' OTLP receiver makes them. For series that aren't known yet: what
 * is read of a resource and a scope is kept until the next one.
 */
export class SeriesLabels {
  readonly #walk: MetricsWalk;
  #settings: OtlpSettings;
  #escaping = true;
  #resource: readonly Attribute[] | undefined;
  #scope: Scope | undefined;
  #scopeNumber = 0;

  constructor(walk: MetricsWalk, settings: OtlpSettings) {
    this.#walk = walk;
    this.#settings = settings;
  }

  /** Begins a request. */
  reset(settings: OtlpSettings): void {
    this.#settings = settings;
    this.#escaping = escapes(settings.strategy);
    this.nextResource();
  }

  nextResource(): void {
    this.#resource = undefined;
    this.#scope = undefined;
    this.#scopeNumber = 0;
  }

  /**
   * Writes the labels of a point's series in the log record's form, `extra` (name, value, …) above all others.
   * Attributes whose names become one are joined by `;`, in the order of their keys.
   * @throws DecodeError, InvalidTextError, InvalidAttributeError
   */
  write(point: DataPoint, extra: readonly string[], to: ByteWriter): void {
    const { attributeBytes, attributesStart, attributesEnd, attributesField } = point;
    const labels = new Map<string, string>();
    const attributes = readAttributes(attributeBytes, attributesStart, attributesEnd, attributesField);
    this.#addJoined(labels, attributes);
    const { promotedResourceAttributes, promoteScope } = this.#settings;
    const resource = this.#resourceAttributes();
    for (const [key, value] of byKey(resource)) {
      if (!promotedResourceAttributes.includes(key)) continue;
      const name = this.#labelName(key);
      if (!labels.has(name)) labels.set(name, value);
    }
    if (promoteScope) this.#addScope(labels);
    addIdentity(labels, resource);
    this.#write(labels, extra, to);
  }

  /**
   * Writes the labels of the resource's `target_info`; false if the resource needs none: it has nothing to say
   * beyond job and instance, or neither of the two.
   * @throws DecodeError, InvalidTextError, InvalidAttributeError
   */
  writeTargetInfo(to: ByteWriter): boolean {
    const resource = this.#resourceAttributes();
    const telling = resource.filter(([key]) => !IDENTIFYING.includes(key));
    if (telling.length === 0) return false;
    const labels = new Map<string, string>();
    this.#addJoined(labels, this.#settings.keepIdentifyingAttributes ? resource : telling);
    addIdentity(labels, resource);
    if (!labels.has('job') && !labels.has('instance')) return false;
    this.#write(labels, [METRIC_NAME, TARGET_INFO], to);
    return true;
  }

  #write(labels: Map<string, string>, extra: readonly string[], to: ByteWriter): void {
    for (let i = 0; i < extra.length; i += 2) labels.set(extra[i], extra[i + 1]);
    to.reset();
    writeLabelSet(Labels.from(labels).pairs, to);
  }

  #addJoined(labels: Map<string, string>, attributes: readonly Attribute[]): void {
    for (const [key, value] of byKey(attributes)) {
      const name = this.#labelName(key);
      const existing = labels.get(name);
      labels.set(name, existing === undefined ? value : `${existing};${value}`);
    }
  }

  #labelName(key: string): string {
    const name = labelName(key, this.#escaping);
    if (name === '') throw new InvalidAttributeError(`no label name for attribute ${JSON.stringify(key)}`);
    return name;
  }

  #addScope(labels: Map<string, string>): void {
    const { name, version, schemaUrl, attributes } = this.#scopeOf();
    if (name === '') return;
    labels.set('otel_scope_name', name);
    labels.set('otel_scope_version', version);
    labels.set('otel_scope_schema_url', schemaUrl);
    for (const [key, value] of attributes) labels.set(this.#labelName(`otel_scope_${key}`), value);
  }

  #resourceAttributes(): readonly Attribute[] {
    const { body, resource } = this.#walk;
    this.#resource ??= readAttributes(body.bytes, resource.start, resource.end, RESOURCE_ATTRIBUTES);
    return this.#resource;
  }

  #scopeOf(): Scope {
    const { body, scope, scopeSchemaUrl, scopeNumber } = this.#walk;
    if (this.#scope === undefined || this.#scopeNumber !== scopeNumber) {
      this.#scopeNumber = scopeNumber;
      this.#scope = {
        name: fieldText(body, scope, 1),
        version: fieldText(body, scope, 2),
        schemaUrl: textBetween(body.bytes, scopeSchemaUrl.start, scopeSchemaUrl.end),
        attributes: readAttributes(body.bytes, scope.start, scope.end, SCOPE_ATTRIBUTES),
      };
    }
    return this.#scope;
  }
}

/** `job` from service.namespace and service.name, `instance` from service.instance.id. */
function addIdentity(labels: Map<string, string>, resource: readonly Attribute[]): void {
  const of = (wanted: string) => resource.find(([key]) => key === wanted)?.[1];
  const name = of(SERVICE_NAME);
  const namespace = of(SERVICE_NAMESPACE);
  const instance = of(SERVICE_INSTANCE);
  if (name !== undefined) labels.set('job', namespace === undefined ? name : `${namespace}/${name}`);
  if (instance !== undefined) labels.set('instance', instance);
}

function byKey(attributes: readonly Attribute[]): Attribute[] {
  return [...attributes].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The text of a message's length-delimited field, the last one if there are several. */
function fieldText(body: ProtobufReader, message: ByteRange, field: number): string {
  let text = '';
  body.position = message.start;
  body.end = message.end;
  while (body.position < message.end) {
    const tag = body.tag();
    if (tag === field * 8 + 2) text = checkedText(body);
    else body.skip(tag);
  }
  return text;
}
