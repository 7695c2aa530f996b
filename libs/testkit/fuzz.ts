import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { mutate, seededRandom } from './mutations.ts';

/** A fuzz test of one decoder. */
export interface Fuzz {
  /** How many mutations it tries every day; `XSCALER_FUZZ_RUNS` if that is set. */
  readonly everyDay: number;
  /** Valid requests, damaged in turn. */
  readonly bodies: readonly Uint8Array[];
  /**
   * Says whether the mutation decoded, false if it was refused as it should be; throws if anything else happened.
   * `random` is the run's own: the same numbers below a bound for the same seed.
   */
  readonly decodes: (
    damaged: Buffer,
    run: number,
    random: (below: number) => number,
  ) => boolean | Promise<boolean>;
}

/** `TestContext`, as far as it is used. */
interface Told {
  diagnostic(message: string): void;
}

/** Caches of readers fill and code is compiled in the first fifth of the mutations. */
const WARM_UP_SHARE = 0.2;

/**
 * What V8 itself keeps varies by 200 KB at most (code, feedback), however long it takes: with a million mutations two bytes of
 * each that are kept are found.
 */
const MAX_HEAP_GROWTH_BYTES = 1024 * 1024;

/**
 * What libraries written in C take is in the resident set alone, which moves by more than the heap does. With a million
 * mutations 120 bytes of each are found.
 */
const MAX_RESIDENT_GROWTH_BYTES = 96 * 1024 * 1024;

/**
 * Damages valid requests, the same for the same seed (`XSCALER_FUZZ_SEED`, 1 by default), and has each decoded.
 *
 * @returns how many decoded
 * @throws AssertionError if more memory is held after the last mutation than after the first fifth of them
 */
export async function fuzz(told: Told, { everyDay, bodies, decodes }: Fuzz): Promise<number> {
  const runs = Number(process.env.XSCALER_FUZZ_RUNS ?? everyDay);
  const seed = Number(process.env.XSCALER_FUZZ_SEED ?? 1);
  const random = seededRandom(seed);
  const warmRun = Math.floor(runs * WARM_UP_SHARE);
  let warm: HeldMemory | undefined;
  let decoded = 0;
  for (let run = 0; run < runs; run++) {
    if (run === warmRun) warm = await heldMemory();
    const found = decodes(mutate(bodies[run % bodies.length], random), run, random);
    if (typeof found === 'boolean' ? found : await found) decoded++;
  }
  const end = await heldMemory();
  const before = warm ?? end;
  told.diagnostic(
    `seed ${seed}: ${runs} mutations, ${decoded} decoded; heap ${megabytes(before.heapBytes)} MB after ${warmRun}, ` +
      `${megabytes(end.heapBytes)} MB after all; resident ${megabytes(before.residentBytes)} and ${megabytes(end.residentBytes)} MB`,
  );
  const growthBytes = end.heapBytes - before.heapBytes;
  assert.ok(
    growthBytes <= MAX_HEAP_GROWTH_BYTES,
    `the heap grew by ${growthBytes} bytes in ${runs} mutations`,
  );
  const residentGrowthBytes = end.residentBytes - before.residentBytes;
  assert.ok(
    residentGrowthBytes <= MAX_RESIDENT_GROWTH_BYTES,
    `the process grew by ${residentGrowthBytes} bytes in ${runs} mutations`,
  );
  return decoded;
}

interface HeldMemory {
  /** Of objects and of buffers outside of V8's heap. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}

/** What is held once everything else has been collected. */
async function heldMemory(): Promise<HeldMemory> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Buffers are given back by what runs after a collection.
  for (let round = 0; round < 3; round++) {
    collect();
    await setImmediate();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heapBytes: heapUsed + external, residentBytes: rss };
}

function megabytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(2);
}
