import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamsInTurn } from './streams-in-turn.ts';

/** Streams of numbers that note what becomes of them. */
class Streams {
  readonly events: string[] = [];

  async *stream(name: string, values: number, fails = false): AsyncGenerator<string> {
    this.events.push(`${name} started`);
    try {
      for (let i = 0; i < values; i++) yield `${name}${i}`;
      if (fails) throw new Error(`${name} failed`);
    } finally {
      this.events.push(`${name} ended`);
    }
  }
}

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const values: string[] = [];
  for await (const value of stream) values.push(value);
  return values;
}

test('values arrive stream by stream, in order', async () => {
  const streams = new Streams();
  const sources = [streams.stream('a', 2), streams.stream('b', 0), streams.stream('c', 1)];
  assert.deepEqual(await collect(streamsInTurn(sources, 1)), ['a0', 'a1', 'c0']);
  assert.deepEqual(await collect(streamsInTurn([], 4)), []);
});

test('at most `concurrency` streams run at once', async () => {
  const streams = new Streams();
  const sources = ['a', 'b', 'c'].map((name) => streams.stream(name, 2));
  const values = streamsInTurn(sources, 2);
  assert.equal((await values.next()).value, 'a0');
  assert.deepEqual(streams.events, ['a started', 'b started']);
  assert.deepEqual(await collect(values), ['a1', 'b0', 'b1', 'c0', 'c1']);
});

test('a stream’s failure is thrown in its turn and ends the rest', async () => {
  const streams = new Streams();
  const sources = [streams.stream('a', 2), streams.stream('b', 0, true), streams.stream('c', 2)];
  const values = streamsInTurn(sources, 3);
  assert.equal((await values.next()).value, 'a0');
  assert.equal((await values.next()).value, 'a1');
  await assert.rejects(values.next(), /b failed/);
  assert.ok(streams.events.includes('c ended'));
});

test('a reader that leaves ends all started streams', async () => {
  const streams = new Streams();
  const values = streamsInTurn([streams.stream('a', 2), streams.stream('b', 2)], 2);
  await values.next();
  await values.return();
  assert.deepEqual(streams.events.slice(2).sort(), ['a ended', 'b ended']);
});
