type View = ArrayBufferView<ArrayBufferLike>;

/**
 * Makes `value` fit to be posted: returns it with `transfers` filled, or a copy of the parts that had to change.
 *
 * A typed array that owns its whole `ArrayBuffer` is transferred: the sender's is detached, nothing is copied.
 * One that views a part of a larger buffer (a Node `Buffer` from the pool, a `subarray`) is copied to a buffer
 * of its own first: structured clone would send the whole buffer with it, and a transfer would tear a slab out
 * from under everyone else who has a piece of it. Shared buffers stay shared. Plain objects and arrays are
 * looked into; other classes are not.
 * @throws TypeError if a buffer had been given away before
 */
export function prepareOutgoing(value: unknown, transfers: ArrayBuffer[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return prepareView(value, transfers);
  if (Array.isArray(value)) return prepareArray(value, transfers);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  return prepareObject(value as Record<string, unknown>, transfers);
}

function prepareArray(array: readonly unknown[], transfers: ArrayBuffer[]): readonly unknown[] {
  // Arrays hold one kind of element: label names and other scalars need no walk.
  if (array.length === 0 || typeof array[0] !== 'object') return array;
  let prepared: unknown[] | undefined;
  for (let i = 0; i < array.length; i++) {
    const element = prepareOutgoing(array[i], transfers);
    if (element === array[i]) continue;
    prepared ??= array.slice();
    prepared[i] = element;
  }
  return prepared ?? array;
}

function prepareObject(object: Record<string, unknown>, transfers: ArrayBuffer[]): Record<string, unknown> {
  let prepared: Record<string, unknown> | undefined;
  for (const key in object) {
    const field = object[key];
    if (typeof field !== 'object' || field === null) continue;
    const outgoing = prepareOutgoing(field, transfers);
    if (outgoing === field) continue;
    prepared ??= { ...object };
    prepared[key] = outgoing;
  }
  return prepared ?? object;
}

function prepareView(view: View, transfers: ArrayBuffer[]): View {
  const { buffer } = view;
  if (!(buffer instanceof ArrayBuffer)) return view;
  if (buffer.detached) throw new TypeError('a buffer that was transferred before cannot be sent again');
  // An empty array may well be a constant that is sent again and again: copied, it isn't detached.
  const owning = view.byteLength === buffer.byteLength && view.byteLength > 0 && !buffer.resizable;
  const outgoing = owning ? view : copyOf(view);
  const moved = outgoing.buffer as ArrayBuffer;
  if (!transfers.includes(moved)) transfers.push(moved);
  return outgoing;
}

function copyOf(view: View): View {
  const bytes = new Uint8Array(view.byteLength);
  bytes.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  if (view instanceof Uint8Array) return bytes;
  const SameKind = view.constructor as new (buffer: ArrayBuffer) => View;
  return new SameKind(bytes.buffer);
}
