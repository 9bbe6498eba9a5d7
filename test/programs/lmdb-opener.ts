/** Opens an LMDB store and closes it again, so often, to be in the way of those who write. Called with the folder and the number. */
import { lmdb } from 'sojourn/lmdb';

const [folder = '', times] = process.argv.slice(2);

for (let i = 0; i < Number(times); i++) await lmdb(folder, { durable: false }).close?.();
