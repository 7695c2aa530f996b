import type { Span } from '../syntax/ast.ts';
import { positionText } from '../syntax/position.ts';

/** Texts of each kind that an answer carries at most, as in Prometheus' API. */
const MAX_TEXTS = 10;

/** Texts of each kind that are gathered at most: a text may say a value, of which a query has many. */
const MAX_GATHERED = 10_000;
/** Characters of them, of both kinds. */
const MAX_GATHERED_LENGTH = 4 * 1024 * 1024;

/** What an annotation says about how often and where it came up. */
export interface AnnotationDetail {
  /** Follows the message. */
  readonly text: string;
  /** Takes what another of the same message says as well. */
  merge(other: AnnotationDetail): void;
}

interface Annotation {
  at: Span;
  readonly detail: AnnotationDetail | undefined;
}

/** What a query's author should know about its answer; every message once, at the last place that it came up. */
export class Annotations {
  readonly #query: string;
  readonly #warnings = new Map<string, Annotation>();
  readonly #infos = new Map<string, Annotation>();
  #gatheredLength = 0;

  constructor(query: string) {
    this.#query = query;
  }

  warn(message: string, at: Span): void {
    this.#add(this.#warnings, message, at, undefined);
  }

  info(message: string, at: Span, detail?: AnnotationDetail): void {
    this.#add(this.#infos, message, at, detail);
  }

  get warnings(): string[] {
    return this.#texts(this.#warnings, 'warning');
  }

  get infos(): string[] {
    return this.#texts(this.#infos, 'info');
  }

  #texts(annotations: ReadonlyMap<string, Annotation>, kind: string): string[] {
    const all = [...annotations].map(([message, { at, detail }]) => {
      const position = positionText(this.#query, at.start);
      return `PromQL ${kind}: ${message}${detail?.text ?? ''} (${position})`;
    });
    all.sort();
    if (all.length <= MAX_TEXTS) return all;
    return [...all.slice(0, MAX_TEXTS), `${all.length - MAX_TEXTS} more ${kind} annotations omitted`];
  }

  #add(
    annotations: Map<string, Annotation>,
    message: string,
    at: Span,
    detail: AnnotationDetail | undefined,
  ): void {
    const known = annotations.get(message);
    if (known) {
      known.at = at;
      if (detail) known.detail?.merge(detail);
      return;
    }
    const length = this.#gatheredLength + message.length;
    if (annotations.size >= MAX_GATHERED || length > MAX_GATHERED_LENGTH) return;
    this.#gatheredLength = length;
    annotations.set(message, { at, detail });
  }
}
