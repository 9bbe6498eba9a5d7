/**
 * Pictures of users. An upload is kept byte for byte under a name of our making, after its first bytes have shown what it
 * is; the type that the browser claims and its file name are not looked at. Decoding and re-encoding was rejected: a
 * decoder fed by strangers is a larger risk than an image that only browsers ever open.
 */
import { transact } from '../db/transact.js';
import { type House, newId } from './house.js';
import { say } from './messages.js';
import { refuse } from './refusal.js';

export const AVATAR_MAX_BYTES = 512 * 1024;

export interface Picture {
  readonly type: string;
  readonly bytes: Buffer;
}

export interface Avatars {
  /** Replaces the user's picture. */
  keep(userId: string, bytes: Buffer): Promise<void>;
  find(file: string): Promise<Picture | null>;
}

export function avatars({ db }: House): Avatars {
  return {
    async keep(userId, bytes) {
      const kind = recognise(bytes) ?? refuse(say.badPicture);
      const file = `${newId()}.${kind.extension}`;
      const row = { file, type: kind.type, bytes };
      await transact(db, async (tx) => {
        await tx
          .insertInto('avatars')
          .values({ userId, ...row })
          .onConflict((conflict) => conflict.column('userId').doUpdateSet(row))
          .execute();
        await tx.updateTable('users').set({ avatar: file }).where('id', '=', userId).execute();
      });
    },

    async find(file) {
      const row = await db.selectFrom('avatars').select(['type', 'bytes']).where('file', '=', file).executeTakeFirst();
      // PostgreSQL hands over a Buffer, libsql an ArrayBuffer.
      return row ? { type: row.type, bytes: Buffer.from(row.bytes as ArrayBuffer) } : null;
    },
  };
}

interface Kind {
  readonly type: string;
  readonly extension: string;
}

function recognise(bytes: Buffer): Kind | null {
  const starts = (text: string, at = 0) => bytes.toString('latin1', at, at + text.length) === text;
  if (bytes.length > AVATAR_MAX_BYTES) return null;
  if (starts('\x89PNG\r\n\x1a\n')) return { type: 'image/png', extension: 'png' };
  if (starts('\xff\xd8\xff')) return { type: 'image/jpeg', extension: 'jpg' };
  if (starts('RIFF') && starts('WEBP', 8)) return { type: 'image/webp', extension: 'webp' };
  if (starts('GIF87a') || starts('GIF89a')) return { type: 'image/gif', extension: 'gif' };
  return null;
}
