import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Database, migrate, SqlBlockStore } from '@xscaler/database';
import { Labels, seriesId } from '@xscaler/model';
import { Head, writeBlock } from '@xscaler/tsdb';
import { openTestDatabase } from './open-test-database.ts';
import { PostgresServer, skipWithoutPostgres } from './postgres-server.ts';

const TENANT = 'demo';
const WINDOW_MS = 7_200_000;
const STEP_MS = 30_000;
const START_MS = 1_700_006_400_000;
const WINDOWS = 12;
/** Instances of 500 series, 25 families of 20. XSCALER_E2E_SERIES=5000 is the workload of the targets. */
const SERIES = Number(process.env.XSCALER_E2E_SERIES ?? 500);
const TARGET = 2.4;

/** The six kinds of series of the benchmarks: counters, buckets, decimals, a walk, small gauges, constants. */
function next(kind: number, value: number, random: () => number): number {
  switch (kind) {
    case 0:
      return value + Math.floor(random() * 1000);
    case 1:
      return value + Math.floor(random() * 20);
    case 2:
      return Math.round(value * 1000 + Math.floor(random() * 15_000)) / 1000;
    case 3:
      return Math.min(1_100_000, Math.max(900_000, value + Math.floor((random() - 0.5) * 10_000)));
    case 4:
      return Math.floor(random() * 50);
    default:
      return value;
  }
}

function labelsOf(series: number): Labels {
  const instance = Math.floor(series / 500);
  const member = series % 20;
  return Labels.of({
    __name__: `application_component_operation_${Math.floor((series % 500) / 20)}_total`,
    cluster: `production-eu-${instance % 3}`,
    code: ['200', '204', '404', '500'][member % 4],
    container: `application-${instance % 20}`,
    handler: `/api/v2/orders/${member}`,
    instance: `10.0.${instance}.17:9102`,
    job: `job-${instance % 10}`,
    method: ['GET', 'POST', 'PUT'][member % 3],
    namespace: `namespace-${instance % 12}`,
    pod: `checkout-${(instance % 40).toString(16)}-${(instance * 2_654_435_761).toString(36).slice(-9)}`,
    shard: String(member),
  });
}

/** Stores a day of samples as an ingester does, a block for each two hours; how many samples there are. */
async function storeDay(blocks: SqlBlockStore): Promise<number> {
  const values = new Float64Array(SERIES).fill(1_000_000);
  const words = new Int32Array(values.buffer);
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
  let samples = 0;
  for (let window = 0; window < WINDOWS; window++) {
    const windowStartMs = START_MS + window * WINDOW_MS;
    const offsets = { seq: 2 * window, fromOffset: 2 * window };
    const head = new Head({ tenant: TENANT, partition: 0, windowStartMs, windowMs: WINDOW_MS, ...offsets });
    for (let series = 0; series < SERIES; series++) {
      const labels = labelsOf(series);
      const id = new Int32Array(new Uint8Array(seriesId(TENANT, labels)).buffer);
      head.create(id[0], id[1], id[2], id[3], labels);
    }
    for (let atMs = windowStartMs; atMs < windowStartMs + WINDOW_MS; atMs += STEP_MS) {
      for (let series = 0; series < SERIES; series++) {
        const kind = Math.floor((series % 500) / 20) % 6;
        values[series] = next(kind, values[series], random);
        const timestampMs = atMs + ((Math.floor(series / 500) * 7919) % STEP_MS);
        head.append(series, timestampMs, words[2 * series], words[2 * series + 1]);
      }
    }
    await store(blocks, head);
    samples += head.sampleCount;
    head.release();
  }
  return samples;
}

async function store(blocks: SqlBlockStore, head: Head): Promise<void> {
  const { partition, windowStartMs, windowMs, seq, fromOffset } = head;
  const blockId = `block-${seq}`;
  const writing = writeBlock(head);
  let partCount = 0;
  let step = writing.next();
  for (; !step.done; step = writing.next()) {
    if (step.value === undefined) continue;
    await blocks.stage(blockId, TENANT, [step.value]);
    partCount++;
  }
  const where = { blockId, tenant: TENANT, partition, level: 0, windowStartMs, windowMs, seq, fromOffset };
  const meta = { ...where, toOffset: fromOffset + 1, ...step.value };
  const expectedResumeOffset = await blocks.resumeOffset(partition);
  const offsets = { partition, expectedResumeOffset, resumeOffset: fromOffset + 2 };
  await blocks.commit({ meta, partCount, ...offsets, metadata: [] });
}

/** Bytes of all tables, with their indexes and TOAST tables. */
async function tableBytes(db: Database): Promise<number> {
  const [row] = await db.query(
    `SELECT sum(pg_total_relation_size(c.oid)) AS bytes FROM pg_class c
     JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind = 'r'`,
  );
  return Number(row.bytes);
}

describe('what a sample takes in PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  let server: PostgresServer;
  before(async () => {
    server = await PostgresServer.start();
  });
  after(() => server.dispose());

  test('a day of samples, everything included, in at most 2.4 bytes each', async (t) => {
    const { db, dispose } = await openTestDatabase(server);
    await migrate(db);
    const emptyBytes = await tableBytes(db);
    const samples = await storeDay(new SqlBlockStore(db, () => START_MS));
    const bytesEach = ((await tableBytes(db)) - emptyBytes) / samples;
    t.diagnostic(`${samples} samples at ${bytesEach.toFixed(2)} bytes each, of ${TARGET}`);
    assert.ok(bytesEach <= TARGET, `${bytesEach} bytes a sample`);
    await dispose();
  });
});
