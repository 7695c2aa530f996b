import assert from 'node:assert/strict';
import { connect as connectTcp } from 'node:net';
import { test } from 'node:test';
import { MessageChannel } from 'node:worker_threads';
import { refusedPort } from '@xscaler/testkit';
import { knownFailure, UnavailableError } from './known-failure.ts';
import { connect, serve } from './port/port-rpc.ts';
import { RpcError } from './rpc-error.ts';

async function rejection(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error('it was possible');
}

function connected(port: number, host: string): Promise<unknown> {
  return new Promise((resolve, reject) =>
    connectTcp(port, host, () => resolve(undefined)).once('error', reject),
  );
}

test('a connection that is refused is known, in words without its address, and behind another error too', async () => {
  const port = await refusedPort();
  const unreachable = 'a service that is needed cannot be reached';
  assert.equal(knownFailure(await rejection(() => connected(port, '127.0.0.1'))), unreachable);
  // Several addresses: an error of errors.
  assert.equal(knownFailure(await rejection(() => connected(port, 'localhost'))), unreachable);
  assert.equal(knownFailure(await rejection(() => connected(port, 'nobody.invalid'))), unreachable);
  const behind = await rejection(() => fetch(`http://127.0.0.1:${port}/`));
  assert.equal((behind as Error).name, 'TypeError');
  assert.equal(knownFailure(behind), unreachable);
  const late = await rejection(() => fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.abort() }));
  assert.equal(knownFailure(late), 'the work was cancelled');
});

test('our own errors are known by name and code, in this thread and from another one', async (t) => {
  const told: [Error, string | undefined][] = [
    [
      new RpcError('unavailable', 'connect ECONNREFUSED 10.1.2.3:9009'),
      'a service that is needed cannot be reached',
    ],
    [new UnavailableError('partition 3 is stopped'), 'partition 3 is stopped'],
    [errorOf('DatabaseError', 'unavailable'), 'the database is not available'],
    [errorOf('DatabaseError', 'disk_full'), 'the disk of the database is full'],
    [errorOf('DatabaseError', 'damaged'), 'the file of the database is damaged'],
    [errorOf('WriteLogError', 'damaged'), 'the file of the write log is damaged'],
    [errorOf('WriteLogError', 'log_missing'), 'the write log is gone'],
    [errorOf('WriteLogError', 'log_replaced'), 'the write log is not the one that blocks were created from'],
    [errorOf('DatabaseError', 'invalid'), undefined],
    [errorOf('DatabaseError', 'constructor'), undefined],
    [errorOf('WriteLogError', 'unavailable'), 'the write log is not available'],
    [errorOf('ClusterError', 'unavailable'), 'Redis is not available'],
    [errorOf('Error', 'unavailable'), undefined],
    [errorOf('Error', 'ENOSPC'), 'a disk is full'],
    [new TypeError("Cannot read properties of undefined (reading 'x')"), undefined],
    [new RangeError('Offset is outside the bounds of the DataView'), undefined],
    [new SyntaxError('Unexpected token'), undefined],
  ];
  const { port1, port2 } = new MessageChannel();
  let thrown: unknown;
  const failing = {
    fail: async (): Promise<void> => {
      throw thrown;
    },
  };
  serve<Failing>(port2, failing);
  t.after(() => port1.close());
  const remote = connect<Failing>(port1);
  for (const [error, text] of told) {
    assert.equal(knownFailure(error), text, error.message);
    thrown = error;
    assert.equal(knownFailure(await rejection(() => remote.fail(undefined, never))), text, error.message);
  }
  assert.equal(knownFailure('text'), undefined);
  assert.equal(knownFailure(undefined), undefined);
});

const never = new AbortController().signal;

interface Failing {
  fail(request: undefined, signal: AbortSignal): Promise<void>;
}

function errorOf(name: string, code: string): Error {
  return Object.assign(new Error('at 10.1.2.3'), { name, code });
}
