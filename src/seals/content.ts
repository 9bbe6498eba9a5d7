/**
 * What lies inside a seal: one byte that says how, then the session, perhaps deflated, then what hides its length.
 *
 * Compression is off unless asked for. It makes long sessions fit, and it makes the length of a token depend on its content: who
 * can place text of his own in a session and watch its cookie's length learns whether the text repeats a secret beside it
 * (CRIME, BREACH). Padding to blocks blurs lengths and makes such guessing dearer, not impossible. Padding ends with one 0x80
 * and zeros (ISO/IEC 7816-4), so that no length has to be written down.
 *
 * Inflating stops at MAX_INFLATED, and nothing longer is ever deflated: what was sealed opens again.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';

export interface ContentSettings {
  readonly compress: boolean;
  /** The content's length is a multiple of so many bytes; 1: it is as long as it is. */
  readonly block: number;
}

export const MAX_INFLATED = 65_536;
/** Below this deflate gains nothing. */
const MIN_DEFLATED = 128;

const PLAIN = 0;
const DEFLATED = 1;
const PAD = 0x80;

/** The content to seal. A copy, whatever it is. */
export function contentOf(session: Uint8Array, { compress, block }: ContentSettings): Buffer {
  const small = compress ? deflated(session) : null;
  const body = small ?? session;
  const length = Math.ceil((body.length + 2) / block) * block;
  const content = Buffer.allocUnsafe(length);
  content[0] = small === null ? PLAIN : DEFLATED;
  content.set(body, 1);
  content[body.length + 1] = PAD;
  content.fill(0, body.length + 2);
  return content;
}

/** The session inside, or null for what `contentOf` cannot have made. May be a view into `content`. */
export function sessionIn(content: Buffer): Uint8Array | null {
  let end = content.length - 1;
  while (content[end] === 0) end--; // before the first byte there is nothing, which is no zero
  if (content[end] !== PAD) return null;
  const body = content.subarray(1, end);
  if (content[0] === PLAIN) return body;
  return content[0] === DEFLATED ? inflated(body) : null;
}

function deflated(session: Uint8Array): Buffer | null {
  if (session.length < MIN_DEFLATED || session.length > MAX_INFLATED) return null;
  const small = deflateRawSync(session, { level: constants.Z_BEST_COMPRESSION });
  return small.length < session.length ? small : null;
}

function inflated(body: Uint8Array): Uint8Array | null {
  try {
    return inflateRawSync(body, { maxOutputLength: MAX_INFLATED });
  } catch {
    return null;
  }
}
