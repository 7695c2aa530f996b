import { Gauge, type Registry } from 'prom-client';

/**
 * Metrics whose values a library keeps itself: `stats` is looked at when somebody asks for the metrics.
 * `names` gives for each the metric's name and help.
 */
export function exposeStats<Stats extends object>(
  registry: Registry,
  stats: () => Stats,
  names: { readonly [Name in keyof Stats]?: readonly [name: string, help: string] },
): void {
  for (const [key, text] of Object.entries(names) as [keyof Stats, readonly [string, string]][]) {
    const [name, help] = text;
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(Number(stats()[key]));
      },
    });
  }
}
