/** Files by path, each with the paths that it imports. */
export type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * The circles of a graph: its strongly connected components of two nodes or more, and nodes that point at
 * themselves. Nodes are sorted within a circle, circles by their first node.
 *
 * Tarjan, "Depth-first search and linear graph algorithms", 1972.
 */
export function circlesOf(graph: Graph): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const circles: string[][] = [];

  const visit = (node: string): void => {
    order.set(node, order.size);
    lowest.set(node, order.get(node)!);
    stack.push(node);
    onStack.add(node);
    for (const target of graph.get(node) ?? []) {
      if (!order.has(target)) visit(target);
      if (onStack.has(target)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(target)!));
    }
    if (lowest.get(node) !== order.get(node)) return;
    const members = stack.splice(stack.indexOf(node));
    for (const member of members) onStack.delete(member);
    if (members.length > 1 || graph.get(node)?.includes(node)) circles.push(members.sort());
  };

  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return circles.sort(([one], [other]) => (one < other ? -1 : 1));
}
