/**
 * The bytes of a session's file: a checksum and the id around the packed record.
 *
 *   1 byte    the format, 1
 *   4 bytes   CRC-32 of all that follows, little-endian
 *   2 bytes   the length of the id in UTF-8
 *   the id, and then to the end the record of core/record.ts
 *
 * Disks flip bits, and people edit and copy files: whatever is not what was written is refused whole. The id is in there because
 * the file's name is a hash of it, and so that a file that was copied under another name opens nothing.
 */
import { crc32 } from 'node:zlib';
import { failure } from '../../errors.js';

const FORMAT = 1;
const SUM_AT = 1;
const LENGTH_AT = SUM_AT + 4;
const ID_AT = LENGTH_AT + 2;

/** Of an id, in UTF-8. */
export const MAX_ID_BYTES = 1024;

export interface Enclosed {
  readonly id: string;
  readonly record: Buffer;
}

export function enclose(id: string, record: Uint8Array): Buffer {
  const idBytes = Buffer.byteLength(id);
  const bytes = Buffer.allocUnsafe(ID_AT + idBytes + record.length);
  bytes[0] = FORMAT;
  bytes.writeUInt16LE(idBytes, LENGTH_AT);
  bytes.write(id, ID_AT);
  bytes.set(record, ID_AT + idBytes);
  bytes.writeUInt32LE(crc32(bytes.subarray(LENGTH_AT)), SUM_AT);
  return bytes;
}

/** SOJOURN_CORRUPT for anything that `enclose` cannot have made. `name` is there for the message only. */
export function disclose(bytes: Buffer, name: string): Enclosed {
  if (bytes.length < ID_AT) throw corrupt(name, 'its file ends too early');
  if (bytes[0] !== FORMAT) throw corrupt(name, `its format is ${bytes[0]}, and this version reads ${FORMAT}`);
  if (crc32(bytes.subarray(LENGTH_AT)) !== bytes.readUInt32LE(SUM_AT)) throw corrupt(name, 'its checksum is wrong');
  const from = ID_AT + bytes.readUInt16LE(LENGTH_AT);
  if (from > bytes.length) throw corrupt(name, 'its file ends too early');
  return { id: bytes.toString('utf8', ID_AT, from), record: bytes.subarray(from) };
}

export function corrupt(name: string, problem: string): Error {
  return failure('SOJOURN_CORRUPT', { what: `Session file ${name}`, problem });
}
