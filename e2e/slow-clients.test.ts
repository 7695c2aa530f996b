import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { type Client, encodeParams, eventually, series, Xscaler } from './harness/index.ts';

const MB = 1024 * 1024;
const SERIES = 300;
const SERIES_A_REQUEST = 50;
const SPAN_MS = 6_000_000;
const INTERVAL_MS = 60_000;
const READERS = 30;

let xscaler: Xscaler;
let slow: Client;
let other: Client;
let endMs: number;

before(async () => {
  xscaler = await Xscaler.start();
  const clients = await xscaler.addTenants('slow', 'other');
  [slow, other] = clients;
  endMs = Math.floor(Date.now() / 1_000) * 1_000;
  const timesMs = Array.from({ length: SPAN_MS / INTERVAL_MS }, (_, i) => endMs - SPAN_MS + i * INTERVAL_MS);
  const samples = timesMs.map((timeMs) => [timeMs, 1 / 3] as const);
  for (const client of clients) {
    for (let first = 0; first < SERIES; first += SERIES_A_REQUEST) {
      const written = Array.from({ length: SERIES_A_REQUEST }, (_, i) =>
        series({ __name__: 'x', n: String(first + i) }, samples),
      );
      const answer = await client.push(written);
      assert.equal(answer.status, 204, answer.text);
    }
  }
});

after(() => xscaler?.dispose());

function rssBytes(): number {
  const status = readFileSync(`/proc/${xscaler.program.pid}/status`, 'utf8');
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]);
}

/** A connection that takes 32 KB of what comes every 5 s. */
class SlowConnection {
  readonly socket: Socket;
  readonly #timer: NodeJS.Timeout;
  /** Of its answer; empty until it comes. */
  status = '';

  constructor(request: string) {
    this.socket = connect(xscaler.port, '127.0.0.1');
    this.socket.on('error', () => {});
    this.socket.write(request);
    this.socket.once('readable', () => {
      const head: Buffer | null = this.socket.read(12);
      this.status = head?.toString('latin1').slice(9) ?? '';
    });
    this.#timer = setInterval(() => this.socket.read(32 * 1024), 5_000);
  }

  end(): void {
    clearInterval(this.#timer);
    this.socket.destroy();
  }
}

function head(client: Client, method: string, path: string, ...further: string[]): string {
  const headers = client.credentials.map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, 'host: x', ...headers, ...further, '', ''].join('\r\n');
}

test('thirty slow readers of large answers hold bounded memory, and others read and write on', async () => {
  // 300 series × 6,000 steps, 70 MB.
  const query = `x ${' '.repeat(3_000)}`;
  const params = encodeParams({ query, start: endMs / 1_000 - SPAN_MS / 1_000, end: endMs / 1_000, step: 1 });
  const request = head(slow, 'GET', `/api/v1/query_range?${params}`);
  const beforeBytes = rssBytes();
  const readers = Array.from({ length: READERS }, () => new SlowConnection(request));
  const peak = { rss: 0, held: 0 };
  await eventually('answers to all readers', 120_000, async () => {
    peak.rss = Math.max(peak.rss, rssBytes());
    peak.held = Math.max(peak.held, await other.ownMetric('xscaler_gateway_in_flight_answer_bytes'));
    return readers.every(({ status }) => status !== '') || undefined;
  });
  const statuses = readers.map(({ status }) => status);
  const answered = statuses.filter((status) => status === '200').length;
  assert.ok(answered > 0, `${statuses}`);
  assert.equal(answered + statuses.filter((status) => status === '429').length, READERS, `${statuses}`);
  // Half of gateway.max_answer_bytes for one tenant.
  assert.ok(peak.held > 0 && peak.held <= 256 * MB, `${peak.held / MB} MB of answers`);
  const grownMb = (peak.rss - beforeBytes) / MB;
  assert.ok(grownMb < 1_000, `${grownMb} MB more`);
  assert.equal(await other.value('count(x)', endMs), SERIES);
  const own = await slow.push([series({ __name__: 'y' }, [[endMs, 1]])]);
  assert.equal(own.status, 204, own.text);
  for (const reader of readers) reader.end();
  await eventually('room for the slow tenant', 10_000, async () => {
    return (await slow.get('/api/v1/query', { query: 'x' })).status === 200 || undefined;
  });
});

test('uploads that declare much and send little stop no writes', async () => {
  const pushed = head(slow, 'POST', '/api/v1/push', `content-length: ${16 * MB}`);
  const uploads = Array.from({ length: 40 }, () => new SlowConnection(`${pushed}abc`));
  await eventually('all uploads begun', 10_000, async () => {
    return (await other.ownMetric('xscaler_gateway_in_flight_requests')) >= uploads.length || undefined;
  });
  for (const client of [slow, other]) {
    const answer = await client.push([series({ __name__: 'z' }, [[endMs, 1]])]);
    assert.equal(answer.status, 204, answer.text);
  }
  // And they are not waited for as long as a request may take.
  await eventually('all uploads refused', 30_000, async () => {
    return uploads.every(({ status }) => status === '408') || undefined;
  });
  for (const upload of uploads) upload.end();
});
