/**
 * The script that files an entry in the user index where the session's own script cannot: on a cluster.
 *
 * KEYS[1] the bucket. ARGV: 1 the caller's clock, or ''; 2 the entry; 3 the second until which it is kept. A script rather than three
 * commands: what is out of date goes in the same round trip, and the bucket always expires. Reply: the entry.
 */
import { type Script, script } from './script.js';
import { READ_RECORD } from './script-record.js';

export const fileScript: Script = script(`${READ_RECORD}
return file(KEYS[1], ARGV[2], tonumber(ARGV[3]), clock(ARGV[1])) or ARGV[2]
`);
