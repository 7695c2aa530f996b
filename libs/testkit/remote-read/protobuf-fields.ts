/** One field of a protobuf message unchanged on the wire. */
export interface Field {
  readonly number: number;
  /** Of varints and of 8-byte fields, unsigned. */
  readonly value: bigint;
  /** Of length-delimited fields. */
  readonly bytes: Buffer;
}

/** Every field of a message, in order. Plain and slow: for tests, which decode with other code than the product's. */
export function fieldsOf(message: Uint8Array): Field[] {
  const bytes = Buffer.from(message);
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = varintAt(bytes, at);
    const number = Number(tag.value >> 3n);
    at = tag.end;
    if ((tag.value & 7n) === 0n) {
      const { value, end } = varintAt(bytes, at);
      fields.push({ number, value, bytes: Buffer.alloc(0) });
      at = end;
    } else if ((tag.value & 7n) === 1n) {
      fields.push({ number, value: bytes.readBigUInt64LE(at), bytes: bytes.subarray(at, at + 8) });
      at += 8;
    } else if ((tag.value & 7n) === 2n) {
      const { value, end } = varintAt(bytes, at);
      at = end + Number(value);
      if (at > bytes.length) throw new Error('a field is cut short');
      fields.push({ number, value: 0n, bytes: bytes.subarray(end, at) });
    } else throw new Error(`wire type ${tag.value & 7n}`);
  }
  return fields;
}

/** A base-128 number and where it ends. */
export function varintAt(bytes: Uint8Array, at: number): { value: bigint; end: number } {
  let value = 0n;
  for (let i = at; i < bytes.length; i++) {
    value |= BigInt(bytes[i] & 0x7f) << BigInt(7 * (i - at));
    if (bytes[i] < 0x80) return { value: BigInt.asUintN(64, value), end: i + 1 };
  }
  throw new Error('a varint is cut short');
}

/** A zigzag number. */
export function zigzag(value: bigint): bigint {
  return value & 1n ? -((value + 1n) / 2n) : value / 2n;
}

/** The numbers of a repeated field, packed or not. */
export function packed(
  fields: readonly Field[],
  number: number,
  kind: 'sint' | 'double',
): (bigint | number)[] {
  const found: (bigint | number)[] = [];
  for (const field of fields.filter((one) => one.number === number)) {
    const { bytes } = field;
    for (let at = 0; at < bytes.length; ) {
      if (kind === 'double') {
        found.push(bytes.readDoubleLE(at));
        at += 8;
      } else {
        const { value, end } = varintAt(bytes, at);
        found.push(zigzag(value));
        at = end;
      }
    }
  }
  return found;
}
