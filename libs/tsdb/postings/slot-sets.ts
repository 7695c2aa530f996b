/** Slots 0 … count − 1. */
export function allSlots(count: number): Uint32Array {
  const slots = new Uint32Array(count);
  for (let i = 0; i < count; i++) slots[i] = i;
  return slots;
}

/** The union of ascending lists of slots below `slotCount`. */
export function unionSlots(lists: readonly Uint32Array[], slotCount: number): Uint32Array {
  if (lists.length === 0) return new Uint32Array(0);
  if (lists.length === 1) return lists[0];
  return setBits(lists, slotCount);
}

/** A list of distinct slots in ascending order. */
export function sortSlots(list: Uint32Array, slotCount: number): Uint32Array {
  // Scanning a bit for each slot beats sorting unless the list is sparse.
  return list.length * 64 > slotCount ? setBits([list], slotCount) : list.sort();
}

function setBits(lists: readonly Uint32Array[], slotCount: number): Uint32Array {
  const bits = new Uint32Array((slotCount + 31) >>> 5);
  for (const list of lists) for (let i = 0; i < list.length; i++) bits[list[i] >>> 5] |= 1 << (list[i] & 31);
  let size = 0;
  for (const list of lists) size += list.length;
  const slots = new Uint32Array(Math.min(size, slotCount));
  let length = 0;
  for (let i = 0; i < bits.length; i++) {
    for (let word = bits[i]; word !== 0; word &= word - 1) {
      slots[length++] = i * 32 + 31 - Math.clz32(word & -word);
    }
  }
  return slots.subarray(0, length);
}

/** The slots of `a` that are in `b` (`present`) or are not in it; both ascending. */
export function keepSlots(a: Uint32Array, b: Uint32Array, present: boolean): Uint32Array {
  const kept = new Uint32Array(a.length);
  let length = 0;
  let j = 0;
  for (let i = 0; i < a.length; i++) {
    const slot = a[i];
    j = seek(b, j, slot);
    if ((j < b.length && b[j] === slot) === present) kept[length++] = slot;
  }
  return kept.subarray(0, length);
}

/** The first position from `from` on whose slot is at least `slot`: steps that double, then a binary search. */
function seek(list: Uint32Array, from: number, slot: number): number {
  let step = 1;
  let low = from;
  let high = from;
  while (high < list.length && list[high] < slot) {
    low = high + 1;
    high += step;
    step *= 2;
  }
  if (high > list.length) high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle] < slot) low = middle + 1;
    else high = middle;
  }
  return low;
}
