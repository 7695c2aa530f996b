import { writeSync } from 'node:fs';
import { commitOf, metaOf } from '../blocks/block-store-contract.ts';
import { migrate, openSqliteDatabase, SqlBlockStore } from '../index.ts';

/** Commits block after block of one offset each, and prints the resume offset after each that was acknowledged. */
const db = openSqliteDatabase(process.argv[2]);
await migrate(db);
const store = new SqlBlockStore(db);

for (;;) {
  const offset = await store.resumeOffset(0);
  const name = String(offset);
  const meta = metaOf({
    blockId: `block-${name}`,
    partition: 0,
    seq: offset,
    fromOffset: offset,
    toOffset: offset,
    digest: name,
  });
  await store.stage(meta.blockId, meta.tenant, [
    { kind: 'index', number: 0, bytes: new TextEncoder().encode(name) },
    { kind: 'chunks', number: 0, bytes: new Uint8Array(100_000).fill(offset) },
  ]);
  const entries = [{ metric: 'last', type: 'counter' as const, help: name, unit: '' }];
  await store.commit(
    commitOf(meta, {
      partCount: 2,
      partition: 0,
      expectedResumeOffset: offset,
      resumeOffset: offset + 1,
      metadata: [{ tenant: 'team', entries }],
    }),
  );
  writeSync(1, `${offset + 1}\n`);
}
