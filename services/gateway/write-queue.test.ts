import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WriteQueue } from './write-queue.ts';

const MAX_WAIT_MS = 300;

/** A queue before a service that ends so many writes a second, one after the other. */
class Simulation {
  ms = 0;
  readonly queue = new WriteQueue(MAX_WAIT_MS, () => this.ms);
  readonly #enteredMs: number[] = [];

  run(perSecond: number, offeredPerSecond: number, seconds: number) {
    const waits: number[] = [];
    let refused = 0;
    let offered = 0;
    let served = 0;
    const startMs = this.ms;
    for (; this.ms < startMs + seconds * 1_000; this.ms++) {
      const passedMs = this.ms - startMs;
      for (; offered < (passedMs * offeredPerSecond) / 1_000; offered++) {
        if (this.queue.isFull) {
          refused++;
          continue;
        }
        this.queue.enter();
        this.#enteredMs.push(this.ms);
      }
      for (; served < (passedMs * perSecond) / 1_000; served++) {
        const enteredMs = this.#enteredMs.shift();
        if (enteredMs === undefined) continue;
        this.queue.leave();
        waits.push(this.ms - enteredMs);
      }
    }
    return { waits, refused, worstFrom: (first: number) => Math.max(...waits.slice(first)) };
  }
}

test('twice of what can be done waits what it may at most, and as much as can be done is done', () => {
  const simulation = new Simulation();
  const { waits, refused, worstFrom } = simulation.run(1_000, 2_000, 20);
  assert.ok(waits.length > 19_500, `${waits.length}`);
  assert.ok(refused > 15_000, `${refused}`);
  assert.ok(worstFrom(2_000) < MAX_WAIT_MS * 1.2, `${worstFrom(2_000)} ms`);
});

test('below what can be done nobody is turned away, after an overload either', () => {
  const simulation = new Simulation();
  assert.equal(simulation.run(1_000, 900, 5).refused, 0);
  simulation.run(1_000, 3_000, 5);
  simulation.run(1_000, 500, 2);
  assert.equal(simulation.run(1_000, 900, 5).refused, 0);
});

test('a service that got faster is given more, one that got slower less', () => {
  const simulation = new Simulation();
  simulation.run(400, 2_000, 5);
  const faster = simulation.run(1_600, 3_000, 20);
  assert.ok(faster.waits.length > 28_000, `${faster.waits.length}`);
  const slower = simulation.run(300, 3_000, 20);
  assert.ok(slower.worstFrom(1_500) < MAX_WAIT_MS * 1.5, `${slower.worstFrom(1_500)} ms`);
});

test('a few writes are let in however long they take', () => {
  const simulation = new Simulation();
  for (let i = 0; i < 32; i++) {
    assert.equal(simulation.queue.isFull, false);
    simulation.queue.enter();
    simulation.ms += 1_000;
  }
});

test('while nothing is answered at all those under way are as many as they were', () => {
  const simulation = new Simulation();
  simulation.run(1_000, 2_000, 5);
  const before = simulation.queue.underWay;
  for (let i = 0; i < 10_000; i++) {
    simulation.ms += 1;
    if (!simulation.queue.isFull) simulation.queue.enter();
  }
  assert.ok(simulation.queue.underWay <= before + 10, `${before} → ${simulation.queue.underWay}`);
});
