/**
 * The keys that seal sessions in cookies: SESSION_KEYS, newest first with commas between them, the same on every server.
 *
 * Nobody should have to think of a key to try the example out. So the fleet makes one and keeps it in a file beside its data that nobody
 * else can read: whoever starts it again tomorrow finds his visitors signed in. Where keys are given, there is no file.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export function readKeys(text = ''): readonly string[] {
  return text.split(',').filter((key) => key !== '');
}

/** The key of the file in this folder, which is made if there is none. */
export function keptKey(folder: string): string {
  const file = join(folder, 'session-key');
  try {
    writeFileSync(file, randomBytes(32).toString('base64'), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(file, 'utf8').trim();
}
