import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { circlesOf } from './circles.ts';

const graphOf = (arrows: Record<string, string[]>) => new Map(Object.entries(arrows));

test('a graph without circles has none', () => {
  assert.deepEqual(circlesOf(graphOf({ a: ['b', 'c'], b: ['c'], c: [], d: ['a'] })), []);
});

test('each circle is found once, sorted', () => {
  const graph = graphOf({ a: ['b'], b: ['c'], c: ['a', 'd'], d: ['e'], e: ['d'], f: ['f'], g: ['a'] });
  assert.deepEqual(circlesOf(graph), [['a', 'b', 'c'], ['d', 'e'], ['f']]);
});

test('two nodes share a circle exactly if each can reach the other', () => {
  const edges = fc.array(fc.tuple(fc.nat(7), fc.nat(7)), { maxLength: 20 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const graph = new Map<string, string[]>();
      for (let node = 0; node < 8; node++) graph.set(`${node}`, []);
      for (const [from, to] of pairs) graph.get(`${from}`)!.push(`${to}`);
      const circles = circlesOf(graph);
      for (const one of graph.keys())
        for (const other of graph.keys()) {
          const isTogether = circles.some((circle) => circle.includes(one) && circle.includes(other));
          assert.equal(
            isTogether,
            reaches(graph, one, other) && reaches(graph, other, one),
            `${one} and ${other}`,
          );
        }
    }),
  );
});

function reaches(graph: Map<string, string[]>, from: string, to: string): boolean {
  const seen = new Set<string>();
  const open = [...graph.get(from)!];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node === to) return true;
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...graph.get(node)!);
  }
  return false;
}
