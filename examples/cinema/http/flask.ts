/**
 * Flask-Login's fingerprint of a browser (`_create_identifier`): SHA-512 of `address|b'user agent'`, where the second
 * half is Python's way of printing bytes. With strong protection a Flask process compares it on every request.
 */
import { createHash } from 'node:crypto';

export function flaskIdentifier(address: string, agent: string | undefined): string {
  const shown = agent === undefined ? 'None' : pythonBytes(Buffer.from(agent, 'utf8'));
  return createHash('sha512').update(`${address}|${shown}`).digest('hex');
}

/** `repr(bytes)`: single quotes, unless only double ones avoid escaping. */
function pythonBytes(bytes: Buffer): string {
  const quote = bytes.includes("'") && !bytes.includes('"') ? '"' : "'";
  return `b${quote}${[...bytes].map((byte) => pythonByte(byte, quote)).join('')}${quote}`;
}

const named: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };

function pythonByte(byte: number, quote: string): string {
  const character = String.fromCharCode(byte);
  if (named[byte]) return named[byte];
  if (character === quote) return `\\${quote}`;
  return byte >= 32 && byte < 127 ? character : `\\x${byte.toString(16).padStart(2, '0')}`;
}
