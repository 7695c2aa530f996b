/** Go's `math.Round`: halves are rounded away from zero, in JavaScript up. */
export function goRound(value: number): number {
  return Math.sign(value) * Math.round(Math.abs(value));
}
