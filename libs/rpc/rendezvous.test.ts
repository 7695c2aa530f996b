import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashText, rendezvousWeight } from './rendezvous.ts';

const KEYS = Array.from({ length: 10_000 }, (_, i) => `tenant-${i}`);

function winners(nodes: readonly string[]): string[] {
  return KEYS.map((key) => {
    const weightOf = (node: string) => rendezvousWeight(hashText(key), hashText(node));
    return nodes.reduce((best, node) => (weightOf(node) > weightOf(best) ? node : best));
  });
}

test('keys spread evenly over nodes whose names differ in one character', () => {
  const nodes = Array.from({ length: 8 }, (_, i) => `10.0.0.${i}:9009`);
  const counts = new Map<string, number>();
  for (const node of winners(nodes)) counts.set(node, (counts.get(node) ?? 0) + 1);
  for (const node of nodes) {
    const share = (counts.get(node) ?? 0) / KEYS.length;
    assert.ok(Math.abs(share - 1 / 8) < 0.02, `${node} has ${share}`);
  }
});

test('a node that leaves moves its own keys only', () => {
  const nodes = Array.from({ length: 5 }, (_, i) => `distributor-${i}:9009`);
  const before = winners(nodes);
  const after = winners(nodes.slice(1));
  for (const [i, winner] of before.entries()) if (winner !== nodes[0]) assert.equal(after[i], winner);
});
