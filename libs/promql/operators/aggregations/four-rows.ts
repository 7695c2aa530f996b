/** Rows that are added in one pass. */
export const FOUR = 4;

/** Whether at least four rows are left and the next four belong to one group. */
export function areOfOneGroup(groupOf: Int32Array, row: number, rows: number): boolean {
  if (row + FOUR > rows) return false;
  const group = groupOf[row];
  return groupOf[row + 1] === group && groupOf[row + 2] === group && groupOf[row + 3] === group;
}
