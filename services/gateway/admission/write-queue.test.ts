import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Refusal } from '../refusals/refusal.ts';
import { type WritePlace, WriteQueue } from './write-queue.ts';

const MAX_WAIT_MS = 300;

/** A queue in front of a service that does this many writes a second, one at a time, each with a minimum duration. */
class Simulation {
  readonly queue: WriteQueue;
  readonly #context: TestContext;
  readonly #atWork: { readonly place: WritePlace; readonly dueMs: number; readonly enteredMs: number }[] = [];
  readonly #left = new AbortController().signal;
  #ms = 0;
  #offered = new Map<string, number>();
  #freeAtMs = 0;

  constructor(context: TestContext) {
    this.#context = context;
    context.mock.timers.enable({ apis: ['setTimeout'] });
    this.queue = new WriteQueue({
      maxWaitMs: MAX_WAIT_MS,
      clock: () => this.#ms,
      refusal: () => new Refusal('unavailable', 'waited'),
    });
  }

  /** Offers each tenant's writes per second; returns the durations of accepted writes and the number refused. */
  async run(
    service: { perSecond: number; leastMs?: number },
    offers: Record<string, number>,
    seconds: number,
  ) {
    const outcome = Object.fromEntries(
      Object.keys(offers).map((tenant) => [tenant, { tookMs: [] as number[], refused: 0, expired: 0 }]),
    );
    const enter = (tenant: string) => {
      const own = outcome[tenant];
      const enteredMs = this.#ms;
      if (this.queue.isFull(tenant)) {
        own.refused++;
        return;
      }
      this.queue.enter(tenant, this.#left).then(
        (place) => {
          this.#freeAtMs = Math.max(this.#freeAtMs, this.#ms) + 1_000 / service.perSecond;
          const dueMs = Math.max(this.#freeAtMs, this.#ms + (service.leastMs ?? 0));
          this.#atWork.push({ place, dueMs, enteredMs });
          pending.push([dueMs, () => own.tookMs.push(this.#ms - enteredMs)]);
        },
        () => own.expired++,
      );
    };
    const pending: [number, () => void][] = [];
    const startMs = this.#ms;
    this.#offered = new Map();
    while (this.#ms < startMs + seconds * 1_000) {
      this.#ms++;
      this.#context.mock.timers.tick(1);
      for (const tenant in offers) {
        const due = ((this.#ms - startMs) * offers[tenant]) / 1_000;
        let offered = this.#offered.get(tenant) ?? 0;
        for (; offered < due; offered++) enter(tenant);
        this.#offered.set(tenant, offered);
      }
      for (; pending.length > 0 && pending[0][0] <= this.#ms; ) pending.shift()?.[1]();
      while (this.#atWork.length > 0 && this.#atWork[0].dueMs <= this.#ms)
        this.#atWork.shift()?.place.leave();
      await settled();
    }
    return outcome;
  }
}

/** Runs the callbacks of settled promises. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function worst(values: readonly number[], from = 0): number {
  return Math.max(...values.slice(from));
}

test('at twice the capacity writes are answered soon or refused at once, and the capacity is used', async (t) => {
  const { loud } = await new Simulation(t).run({ perSecond: 1_000 }, { loud: 2_000 }, 10);
  assert.ok(loud.tookMs.length > 9_700, `${loud.tookMs.length}`);
  assert.ok(worst(loud.tookMs, 2_000) < MAX_WAIT_MS, `${worst(loud.tookMs, 2_000)} ms`);
  assert.ok(loud.refused > 9_000 && loud.expired < 100, `${loud.refused}, ${loud.expired}`);
});

test('below the capacity no write is refused, not even after an overload', async (t) => {
  const simulation = new Simulation(t);
  const service = { perSecond: 1_000 };
  const refused = async (offered: number) => {
    const { loud } = await simulation.run(service, { loud: offered }, 3);
    return loud.refused + loud.expired;
  };
  assert.equal(await refused(900), 0);
  assert.ok((await refused(3_000)) > 0);
  await refused(500);
  assert.equal(await refused(900), 0);
});

test('a faster service gets more writes at once, a slower one fewer', async (t) => {
  const simulation = new Simulation(t);
  await simulation.run({ perSecond: 400 }, { loud: 4_000 }, 5);
  const before = simulation.queue.places;
  const { loud: faster } = await simulation.run({ perSecond: 1_600 }, { loud: 4_000 }, 10);
  assert.ok(faster.tookMs.length > 14_500, `${faster.tookMs.length}`);
  assert.ok(simulation.queue.places > 2 * before, `${simulation.queue.places}`);
  const { loud: slower } = await simulation.run({ perSecond: 300 }, { loud: 4_000 }, 10);
  assert.ok(worst(slower.tookMs, 1_500) < 500, `${worst(slower.tookMs, 1_500)} ms`);
});

test('a slow but parallel service gets as many writes as it can handle at once', async (t) => {
  const simulation = new Simulation(t);
  const service = { perSecond: 2_000, leastMs: 120 };
  await simulation.run(service, { loud: 20 }, 5);
  await simulation.run(service, { loud: 4_000 }, 5);
  const { loud } = await simulation.run(service, { loud: 4_000 }, 5);
  assert.ok(loud.tookMs.length > 9_000, `${loud.tookMs.length}`);
  assert.ok(worst(loud.tookMs) < 700, `${worst(loud.tookMs)} ms`);
});

test('a tenant that sends little is neither refused nor delayed by one that sends too much', async (t) => {
  const simulation = new Simulation(t);
  const { loud, quiet } = await simulation.run({ perSecond: 1_000 }, { loud: 4_000, quiet: 50 }, 10);
  assert.equal(quiet.refused + quiet.expired, 0);
  assert.ok(worst(quiet.tookMs, 50) < 150, `${worst(quiet.tookMs, 50)} ms`);
  assert.ok(loud.tookMs.length > 9_000, `${loud.tookMs.length}`);
});

test('if the service stops answering, the queue does not grow and no write waits longer than allowed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const queue = new WriteQueue({
    maxWaitMs: MAX_WAIT_MS,
    clock: () => nowMs,
    refusal: () => new Refusal('unavailable', 'waited'),
  });
  const signal = new AbortController().signal;
  const { places } = queue;
  for (let i = 0; i < places; i++) await queue.enter('a', signal);
  const waiting = queue.enter('a', signal);
  nowMs += MAX_WAIT_MS;
  t.mock.timers.tick(MAX_WAIT_MS);
  await assert.rejects(waiting, { code: 'unavailable', message: 'waited' });
  assert.deepEqual([queue.atWork, queue.waiting, queue.places], [places, 0, places]);
});

test('a cancelled write leaves the queue, and waiting writes start when a place is free', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const queue = new WriteQueue({
    maxWaitMs: MAX_WAIT_MS,
    clock: () => 0,
    refusal: () => new Refusal('unavailable', 'waited'),
  });
  const stays = new AbortController().signal;
  const places = await Promise.all(Array.from({ length: queue.places }, () => queue.enter('a', stays)));
  const leaving = new AbortController();
  const left = queue.enter('a', leaving.signal);
  const next = queue.enter('a', stays);
  leaving.abort(new Error('left'));
  await assert.rejects(left, /left/);
  assert.equal(queue.waiting, 1);
  places[0].leave();
  (await next).leave();
  assert.deepEqual([queue.atWork, queue.waiting], [places.length - 1, 0]);
  await assert.rejects(queue.enter('a', leaving.signal), /left/);
});
