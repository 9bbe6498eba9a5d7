/**
 * Where one RESP frame ends and the next begins, in a stream that arrives in pieces of any size.
 *
 * Only lengths are read, no values: the scanner counts how many values the frame still lacks. An aggregate adds its elements to
 * that count and any value takes one away, so nesting needs no stack. It knows RESP2 and RESP3 as servers send them, and
 * commands, which are arrays. What is neither is opaque: from there on every chunk is handed over as it came, which is also how
 * a proxy carries a protocol that it does not know. Rejected: the clients' own parsers, which are what is being tested.
 */

export interface Frame {
  readonly bytes: Buffer;
  /** push: told without having been asked (RESP3). opaque: not RESP, or the rest of a frame that never became whole. */
  readonly kind: 'value' | 'push' | 'opaque';
}

const NOTHING = Buffer.alloc(0);
const CRLF = '\r\n';
/** A line longer than this is no RESP. Servers send at most a long error message in one. */
const MAX_LINE = 64 * 1024;

export class FrameScanner {
  /** From the beginning of the unfinished frame on. */
  #bytes: Buffer = NOTHING;
  /** How much of it has been looked at. */
  #at = 0;
  /** Values that the frame still lacks. */
  #lacks = 1;
  /** Bytes of a bulk string still to come, with the CRLF behind it. */
  #bulk = 0;
  #opaque = false;

  /** The frames that are whole with this chunk. */
  feed(chunk: Buffer): Frame[] {
    if (this.#opaque) return [{ bytes: chunk, kind: 'opaque' }];
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const frames: Frame[] = [];
    for (let step = this.#step(); step !== 'wait'; step = this.#step()) {
      if (step === 'garbage') {
        this.#opaque = true;
        return [...frames, { bytes: this.rest(), kind: 'opaque' }];
      }
      if (this.#lacks === 0 && this.#bulk === 0) frames.push(this.#finished());
    }
    return frames;
  }

  /** What has come of a frame that is not whole. Taken out: for when no more will come. */
  rest(): Buffer {
    const rest = this.#bytes;
    this.#bytes = NOTHING;
    this.#at = 0;
    return rest;
  }

  #finished(): Frame {
    const bytes = this.#bytes.subarray(0, this.#at);
    this.#bytes = this.#bytes.subarray(this.#at);
    this.#at = 0;
    this.#lacks = 1;
    return { bytes, kind: bytes[0] === 0x3e ? 'push' : 'value' };
  }

  #step(): 'on' | 'wait' | 'garbage' {
    return this.#bulk > 0 ? this.#passBulk() : this.#passLine();
  }

  #passBulk(): 'on' | 'wait' | 'garbage' {
    const end = this.#at + this.#bulk;
    if (this.#bytes.length < end) return 'wait';
    this.#at = end;
    this.#bulk = 0;
    return this.#bytes.toString('latin1', end - 2, end) === CRLF ? 'on' : 'garbage';
  }

  #passLine(): 'on' | 'wait' | 'garbage' {
    if (this.#bytes.length === this.#at) return 'wait';
    const type = String.fromCharCode(this.#bytes[this.#at] as number);
    if (!'+-:_#,($!=*~>%|'.includes(type)) return 'garbage';
    const end = this.#bytes.indexOf(CRLF, this.#at);
    if (end < 0) return this.#bytes.length - this.#at > MAX_LINE ? 'garbage' : 'wait';
    const text = this.#bytes.toString('latin1', this.#at + 1, end);
    this.#at = end + 2;
    return this.#count(type, text);
  }

  #count(type: string, text: string): 'on' | 'garbage' {
    if ('+-:_#,('.includes(type)) {
      this.#lacks--;
      return 'on';
    }
    if (!/^(?:-1|\d{1,10})$/.test(text)) return 'garbage';
    const length = Number(text);
    if (length === -1) this.#lacks--;
    else if ('$!='.includes(type)) {
      this.#lacks--;
      this.#bulk = length + CRLF.length;
    } else if (type === '%') this.#lacks += 2 * length - 1;
    // Attributes stand before the value that they are about, and count for nothing themselves.
    else if (type === '|') this.#lacks += 2 * length;
    else this.#lacks += length - 1;
    return 'on';
  }
}

/** The first `limit` words of a flat array of bulk strings, which is what commands and published messages are; or none. */
export function wordsOf(bytes: Buffer, limit = Number.POSITIVE_INFINITY): string[] {
  const words: string[] = [];
  let at = bytes.indexOf(CRLF) + 2;
  while (words.length < limit && at < bytes.length) {
    const line = bytes.indexOf(CRLF, at);
    if (bytes[at] !== 0x24 || line < 0) break;
    const length = Number(bytes.toString('latin1', at + 1, line));
    words.push(bytes.toString('utf8', line + 2, line + 2 + length));
    at = line + 2 + length + 2;
  }
  return words;
}
