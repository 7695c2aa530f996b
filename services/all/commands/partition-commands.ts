import { setTimeout as sleep } from 'node:timers/promises';
import type { OwnerRegistry } from '@xscaler/cluster';
import type { Actor, PartitionCountRow, PlacementStore } from '@xscaler/tenancy';
import type { KafkaLog } from '@xscaler/writelog/kafka';

/** What `changePartitions` works on. */
export interface PartitionParts {
  readonly store: PlacementStore;
  readonly log: Pick<KafkaLog, 'countPartitions' | 'grow'>;
  readonly owners: OwnerRegistry;
  /** How long ingesters may take to have what the log has got. */
  readonly ownedWithinMs?: number;
  /** How long queriers may take to know that they have it. */
  readonly seenAfterMs?: number;
}

const OWNED_WITHIN_MS = 60_000;
/** Queriers look at who has what once a second. */
const SEEN_AFTER_MS = 3_000;
const LOOK_EVERY_MS = 500;

/**
 * Makes writers use the partitions below `count`, ten seconds later. The log gets what it lacks first, and nobody writes there
 * before an ingester has it; what it has above stays, and is read and followed on.
 * @throws Error if a partition has no ingester: then writers go on as before
 */
export async function changePartitions(parts: PartitionParts, count: number, actor: Actor): Promise<string> {
  const { store, log } = parts;
  const before = (await store.partitionCounts()).at(-1);
  if (before?.partitionCount === count) return `writers use ${partitionsText(count)} already\n`;
  if ((await log.countPartitions()) < count) await log.grow(count);
  await untilOwned(parts, count);
  // From the next step on queriers ask for these partitions.
  await sleep(parts.seenAfterMs ?? SEEN_AFTER_MS);
  await store.setPartitionCount(count, actor);
  return describePartitions(store);
}

/** The counts there were, and the last one. */
export async function describePartitions(store: PlacementStore): Promise<string> {
  return (await store.partitionCounts()).map(lineOf).join('');
}

function lineOf({ partitionCount, effectiveMs }: PartitionCountRow): string {
  const from = effectiveMs === 0 ? 'from the beginning' : `from ${new Date(effectiveMs).toISOString()} on`;
  return `${partitionsText(partitionCount)} ${from}\n`;
}

function partitionsText(count: number): string {
  return count === 1 ? '1 partition' : `${count} partitions`;
}

async function untilOwned({ owners, ownedWithinMs }: PartitionParts, count: number): Promise<void> {
  const deadlineMs = performance.now() + (ownedWithinMs ?? OWNED_WITHIN_MS);
  for (;;) {
    const { byPartition } = await owners.owners(0);
    const partition = [...Array(count).keys()].find(
      (each) => !byPartition.get(each)?.some(({ state }) => state === 'live'),
    );
    if (partition === undefined) return;
    if (performance.now() > deadlineMs) {
      throw new Error(
        `partition ${partition} has no live ingester: nothing was changed; try again once it has one`,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}
