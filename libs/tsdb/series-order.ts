import { ID_WORDS } from '@xscaler/model';

/** Slots fit 21 bits below the first word of an id in a double; beyond, sorting goes by comparison. */
const SLOTS_BESIDE_WORD = 2 ** 21;

/** Slots in the order of a block's series: by the words of their ids, as unsigned numbers. */
export function seriesOrder(ids: Int32Array, count: number): Uint32Array {
  const slots = new Uint32Array(count);
  for (let i = 0; i < count; i++) slots[i] = i;
  if (count > SLOTS_BESIDE_WORD) return slots.sort((a, b) => compareIds(ids, a, b));

  // A native sort of numbers made of the first word and the slot; equal first words, which are rare, are set right after.
  const keys = new Float64Array(count);
  for (let i = 0; i < count; i++) keys[i] = (ids[i * ID_WORDS] >>> 0) * SLOTS_BESIDE_WORD + i;
  keys.sort();
  for (let i = 0; i < count; i++) {
    const slot = keys[i] % SLOTS_BESIDE_WORD;
    let at = i;
    while (at > 0 && compareIds(ids, slots[at - 1], slot) > 0) {
      slots[at] = slots[at - 1];
      at--;
    }
    slots[at] = slot;
  }
  return slots;
}

function compareIds(ids: Int32Array, a: number, b: number): number {
  for (let i = 0; i < ID_WORDS; i++) {
    const order = (ids[a * ID_WORDS + i] >>> 0) - (ids[b * ID_WORDS + i] >>> 0);
    if (order !== 0) return order;
  }
  return 0;
}
