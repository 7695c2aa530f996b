import { DatabaseError, type SqlValue } from '../sql/database.ts';

/** Object ids of PostgreSQL's built-in types, `pg_type.dat`. */
const BOOL = 16;
const BYTEA = 17;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const FLOAT4 = 700;
const FLOAT8 = 701;
const NUMERIC = 1700;

type Parse = (text: string) => SqlValue;

const PARSERS: Readonly<Record<number, Parse>> = {
  // As in SQLite, which has no type for truth.
  [BOOL]: (text) => (text === 't' ? 1 : 0),
  [BYTEA]: parseBytes,
  [INT8]: parseInteger,
  [INT2]: Number,
  [INT4]: Number,
  [FLOAT4]: Number,
  [FLOAT8]: Number,
  // What `sum` makes of a bigint.
  [NUMERIC]: Number,
};

/** Column values as `SqlValue`s: what isn't a number or bytes stays the text PostgreSQL writes. */
export const VALUE_TYPES = {
  getTypeParser: (oid: number): Parse => PARSERS[oid] ?? ((text) => text),
};

function parseInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new DatabaseError('invalid', `${text} has more than 53 bits`);
  return value;
}

/** `\x` and hex, the only form a server since 9.0 sends unless it is told otherwise. */
function parseBytes(text: string): Uint8Array {
  if (!text.startsWith('\\x')) throw new DatabaseError('invalid', 'bytea_output has to be hex');
  const bytes = Buffer.from(text.slice(2), 'hex');
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
