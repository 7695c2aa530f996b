import { printTable } from './table.ts';

/** What was measured, beside what it must be and what others did with the same. */
export interface Figure {
  readonly name: string;
  readonly measured: number;
  readonly atMost?: number | undefined;
  readonly atLeast?: number | undefined;
  readonly prometheus?: number | undefined;
  readonly victoriaMetrics?: number | undefined;
}

/** Prints figures, those that aren't as they must be marked. @returns whether all are */
export function printFigures(figures: readonly Figure[]): boolean {
  const isPeer = figures.some((figure) => (figure.prometheus ?? figure.victoriaMetrics) !== undefined);
  const rows = figures.map((figure) => [
    `${isAsMustBe(figure) ? '' : 'NOT OK '}${figure.name}`,
    figure.measured,
    boundOf(figure),
    ...(isPeer ? [figure.prometheus ?? '', figure.victoriaMetrics ?? ''] : []),
  ]);
  printTable(['', 'measured', 'must be', ...(isPeer ? ['Prometheus', 'VictoriaMetrics'] : [])], rows);
  return figures.every(isAsMustBe);
}

/** A figure that isn't a number is not as it must be. */
function isAsMustBe({ measured, atMost, atLeast }: Figure): boolean {
  return (atMost === undefined || measured <= atMost) && (atLeast === undefined || measured >= atLeast);
}

function boundOf({ atMost, atLeast }: Figure): string {
  const format = (bound: number) => (bound >= 100 ? bound.toFixed(0) : String(Number(bound.toFixed(2))));
  if (atMost !== undefined) return `≤ ${format(atMost)}`;
  return atLeast === undefined ? '' : `≥ ${format(atLeast)}`;
}
