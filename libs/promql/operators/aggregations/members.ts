import type { Groups } from '../../vectors/grouping.ts';

/** The rows of each group, in their order. */
export function membersOf(groups: Groups): number[][] {
  const members: number[][] = groups.labels.map(() => []);
  groups.groupOf.forEach((group, row) => {
    members[group].push(row);
  });
  return members;
}
