import type { Span } from './ast.ts';
import { positionText } from './position.ts';

/** Texts of each kind that an answer carries at most, as in Prometheus' API. */
const MAX_TEXTS = 10;

/** Texts of each kind that are gathered at most: a text may say a value, of which a query has many. */
const MAX_GATHERED = 10_000;

/** What a query's author should know about its answer; every text once. */
export class Annotations {
  readonly #query: string;
  readonly #warnings = new Set<string>();
  readonly #infos = new Set<string>();

  constructor(query: string) {
    this.#query = query;
  }

  warn(message: string, at: Span): void {
    if (this.#warnings.size >= MAX_GATHERED) return;
    this.#warnings.add(`PromQL warning: ${message} (${positionText(this.#query, at.start)})`);
  }

  info(message: string, at: Span): void {
    if (this.#infos.size >= MAX_GATHERED) return;
    this.#infos.add(`PromQL info: ${message} (${positionText(this.#query, at.start)})`);
  }

  get warnings(): string[] {
    return capped(this.#warnings, 'warning');
  }

  get infos(): string[] {
    return capped(this.#infos, 'info');
  }
}

function capped(texts: ReadonlySet<string>, kind: string): string[] {
  const all = [...texts].sort();
  if (all.length <= MAX_TEXTS) return all;
  return [...all.slice(0, MAX_TEXTS), `${all.length - MAX_TEXTS} more ${kind} annotations omitted`];
}
