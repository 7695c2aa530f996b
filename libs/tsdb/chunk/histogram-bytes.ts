/** A native histogram as bytes (`histogram-bytes.ts` of `@xscaler/encoding`): its layout and its counts. */
export interface HistogramBytes {
  bytes: Uint8Array;
  layoutStart: number;
  layoutEnd: number;
  countsStart: number;
  countsEnd: number;
}

/** A view to be filled in. */
export function newHistogramBytes(): HistogramBytes {
  return { bytes: new Uint8Array(0), layoutStart: 0, layoutEnd: 0, countsStart: 0, countsEnd: 0 };
}
