/** Go's `math.Round`: halves go away from zero, where JavaScript's go up. */
export function goRound(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}
