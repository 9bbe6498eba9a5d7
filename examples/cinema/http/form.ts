/**
 * Reads what a browser sends: multipart (the front end's FormData, with or without a picture), urlencoded, or JSON.
 *
 * All three become one flat list of texts, and at most one small file. Everything has a limit, and what passes it is
 * refused instead of cut. The body is read before the session is opened: a slow upload must not work on an old copy of it.
 */
import type { Readable } from 'node:stream';
import { Busboy, type BusboyFileStream, type BusboyInstance } from '@fastify/busboy';
import type { Request, RequestHandler } from 'express';
import { AVATAR_MAX_BYTES } from '../domain/avatars.js';

export interface Form {
  /** The field's text; empty when it is absent. */
  text(name: string): string;
  file(name: string): Buffer | undefined;
}

const TEXT_MAX_BYTES = 64 * 1024;
const FIELDS_MAX = 32;
/** One byte more than a picture may have, so that a picture too large is seen to be too large. */
const FILE_MAX_BYTES = AVATAR_MAX_BYTES + 1;

interface Parts {
  readonly texts: Map<string, string>;
  readonly files: Map<string, Buffer>;
}

const forms = new WeakMap<Request, Parts>();

export function formOf(req: Request): Form {
  const parts = forms.get(req);
  return { text: (name) => parts?.texts.get(name) ?? '', file: (name) => parts?.files.get(name) };
}

export function readForm(): RequestHandler {
  return async (req, _res, next) => {
    const type = req.headers['content-type'] ?? '';
    if (type.startsWith('multipart/form-data')) forms.set(req, await multipart(req, type));
    else if (type.startsWith('application/x-www-form-urlencoded')) forms.set(req, urlencoded(await wholeText(req)));
    else if (type.startsWith('application/json')) forms.set(req, json(await wholeText(req)));
    next();
  };
}

/** Becomes an answer of that status. */
export class BadBody extends Error {
  constructor(readonly status: 400 | 413) {
    super(status === 413 ? 'body too large' : 'body malformed');
    this.name = 'BadBody';
  }
}

function urlencoded(body: string): Parts {
  return { texts: new Map([...new URLSearchParams(body)].slice(0, FIELDS_MAX)), files: new Map() };
}

function json(body: string): Parts {
  const value = parsed(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new BadBody(400);
  const texts = new Map<string, string>();
  for (const [name, field] of Object.entries(value).slice(0, FIELDS_MAX)) {
    if (['string', 'number'].includes(typeof field) || Array.isArray(field)) texts.set(name, String(field));
  }
  return { texts, files: new Map() };
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new BadBody(400);
  }
}

async function wholeText(req: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > TEXT_MAX_BYTES) throw new BadBody(413);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function multipart(req: Request, type: string): Promise<Parts> {
  const parts: Parts = { texts: new Map(), files: new Map() };
  return new Promise((resolve, reject) => {
    const fail = (status: 400 | 413) => {
      req.unpipe(parser);
      req.resume();
      reject(new BadBody(status));
    };
    const parser = openParser(req, type);
    parser.on('field', (name, value, nameCut, valueCut) => {
      if (nameCut || valueCut) fail(413);
      else parts.texts.set(name, value);
    });
    parser.on('file', (name, stream) =>
      collect(stream, (bytes) => bytes.length > 0 && parts.files.set(name, bytes), fail),
    );
    parser.on('partsLimit', () => fail(413));
    parser.on('error', () => fail(400));
    parser.on('finish', () => resolve(parts));
    req.on('aborted', () => fail(400));
    req.pipe(parser);
  });
}

function openParser(req: Request, type: string): BusboyInstance {
  try {
    const limits = {
      fieldSize: TEXT_MAX_BYTES,
      fileSize: FILE_MAX_BYTES,
      files: 1,
      parts: FIELDS_MAX,
      headerPairs: 16,
    };
    return new Busboy({ headers: { ...req.headers, 'content-type': type }, limits });
  } catch {
    throw new BadBody(400);
  }
}

function collect(stream: BusboyFileStream, done: (bytes: Buffer) => void, fail: (status: 413) => void): void {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('limit', () => fail(413));
  stream.on('end', () => done(Buffer.concat(chunks)));
}
